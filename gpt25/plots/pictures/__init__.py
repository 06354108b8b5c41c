"""Figures drawn with matplotlib or as a page that answers to the pointer: one file for each kind of picture."""
