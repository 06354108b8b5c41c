"""What a file of each format holds: text, the rows of a table, the text of a page, the cells of a notebook.

`source_stream.open_source_stream` opens any of them, `text_policy.TextPolicy` decides what is no text.
"""
