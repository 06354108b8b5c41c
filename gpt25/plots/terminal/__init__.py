"""Runs beside one another where there is no browser: tables, sentences and graphs in characters."""
