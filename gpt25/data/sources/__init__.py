"""Documents from wherever they lie.

Files, folders, Parquet, JSON lines, the Hub; `document_reader.read_documents` is the way in.
"""
