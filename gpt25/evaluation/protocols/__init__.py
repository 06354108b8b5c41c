"""A file for each kind of score: how items become requests, and answers a figure."""
