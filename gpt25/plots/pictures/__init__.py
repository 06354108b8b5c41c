"""Figures drawn with matplotlib or as an interactive page: one file for each kind of picture."""
