"""What a file of rows calls its fields, by its beginning alone."""

import json
from pathlib import Path
from typing import Literal

from gpt25.data.formats.file_kind import FileKind
from gpt25.data.formats.parquet_rows import parquet_columns
from gpt25.data.formats.reading_settings import ReadingSettings
from gpt25.data.formats.source_stream import DAMAGED, open_source_stream
from gpt25.data.formats.table_rows import table_columns
from gpt25.data.formats.utf8_blocks import utf8_blocks
from gpt25.errors import DataError


def first_fields(path: Path, kind: FileKind, *, settings: ReadingSettings, name: str) -> list[str] | None:
    """The columns of a table, or the fields of the first object in JSON lines or in an array.

    None where that cannot be told, as of a file that is empty or damaged: reading it will say more. Raises
    MissingExtraError where reading it would.
    """
    try:
        if kind == "parquet":
            return parquet_columns(path, name=name)
        with open_source_stream(path) as stream:
            if kind in ("csv", "tsv"):
                of: Literal["csv", "tsv"] = "tsv" if kind == "tsv" else "csv"
                return table_columns(stream, kind=of, settings=settings, name=name) or None
            found = utf8_blocks(stream, settings=settings, name=name, policy=settings.policy())
            return None if found is None else _of_first_object(found.beginning)
    except (DataError, OSError, *DAMAGED):
        return None


def _of_first_object(beginning: bytes) -> list[str] | None:
    """_of_first_object(b'[{"id": 1, "body": "x"}, …') -> ["id", "body"]; None for one that does not end in there."""
    text = beginning.decode("utf-8", "replace").lstrip()
    if text.startswith("["):
        text = text[1:].lstrip()
    try:
        row, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return list(row) if isinstance(row, dict) else None
