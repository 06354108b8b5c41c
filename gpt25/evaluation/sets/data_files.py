"""Rows and texts from the files that evaluation sets come in."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt25.data.formats.source_stream import (
    DAMAGED,
    LARGEST_DOCUMENT_BYTES,
    damaged,
    open_source_stream,
    read_document,
)
from gpt25.errors import DataError
from gpt25.installation import missing_extra
from gpt25.storage import decode_text, text_lines
from gpt25.storage.reading.json_values import kind_in_words, parse_json

Row = dict[str, Any]
_JSON = (".jsonl", ".ndjson", ".json")
_TEXT_FIELDS = ("text", "sentence", "page", "content")


@dataclass(frozen=True)
class SetFile:
    """A file of a set, and the most bytes that it may have when it is unpacked."""

    path: Path
    largest_bytes: int

    def rows(self) -> Iterator[Row]:
        """See `read_rows`."""
        return read_rows(self.path, largest_bytes=self.largest_bytes)

    def text(self) -> str:
        """See `read_text`."""
        return read_text(self.path, largest_bytes=self.largest_bytes)


def kind_of(path: Path) -> str:
    """The suffix that tells the format, behind .gz or .zst: kind_of(Path("set.jsonl.gz")) -> ".jsonl"."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".zst")]
    return suffixes[-1] if suffixes else ""


def read_rows(path: Path, *, largest_bytes: int = LARGEST_DOCUMENT_BYTES) -> Iterator[Row]:
    """The rows of a set: JSON lines, one JSON list, Parquet, or the lines of a text file as {"text": line}.

    A .json file that is one object, as some releases are, is one row. Blank lines are none, in text and in JSON lines.
    A byte-order mark chooses UTF-8, UTF-16 or UTF-32 and is no text. .gz and .zst are unpacked on the way; .parquet and
    .zst need the extra `data`. Raises DataError with file and line, also for a file of text or JSON that is larger
    than `largest_bytes` when unpacked: the rows of a set are in memory together.
    """
    kind = kind_of(path)
    if kind == ".parquet":
        yield from _parquet_rows(path)
    elif kind in _JSON:
        yield from _json_rows(path, largest_bytes)
    else:
        for line in text_lines(_decoded_text(path, largest_bytes)):
            if line.strip():
                yield {"text": line}


def read_text(path: Path, *, largest_bytes: int = LARGEST_DOCUMENT_BYTES) -> str:
    """The whole text of a set: a text file as it is, or the texts of its rows, each on its own lines.

    A byte-order mark chooses the encoding and is no text. Bytes that are no text raise DataError with their place.
    """
    if kind_of(path) in (*_JSON, ".parquet"):
        rows = enumerate(read_rows(path, largest_bytes=largest_bytes), 1)
        return "".join(_with_line_end(_text_of(row, path, number)) for number, row in rows)
    return _decoded_text(path, largest_bytes)


def _decoded_text(path: Path, largest_bytes: int) -> str:
    return decode_text(read_bytes(path, largest_bytes=largest_bytes), where=str(path), error=DataError)


def read_bytes(path: Path, *, largest_bytes: int = LARGEST_DOCUMENT_BYTES) -> bytes:
    """All bytes of a file, unpacked. Raises DataError for one that is damaged, too large or cannot be read."""
    try:
        with open_source_stream(path) as stream:
            return read_document(stream, where=str(path), largest_bytes=largest_bytes)
    except DAMAGED as problem:
        raise damaged(str(path), problem) from problem
    except OSError as problem:
        raise DataError(f"cannot read {path}: {problem.strerror or problem}") from problem


def _json_rows(path: Path, largest_bytes: int) -> Iterator[Row]:
    content = _decoded_text(path, largest_bytes)
    if kind_of(path) == ".json" and content.lstrip()[:1] == "{":
        whole = None
        with contextlib.suppress(DataError):  # else it is JSON lines under another name
            whole = parse_json(content, where=str(path), error=DataError)
        if whole is not None:
            yield whole
            return
    if content.lstrip()[:1] == "[":
        rows = parse_json(content, where=str(path), error=DataError)
        yield from (_checked(row, f"{path}, entry {number:,}") for number, row in enumerate(rows, 1))
        return
    for number, line in enumerate(text_lines(content), 1):
        if line.strip():
            where = f"{path}, line {number:,}"
            yield _checked(parse_json(line, where=where, error=DataError), where)


def _checked(row: Any, where: str) -> Row:
    if not isinstance(row, dict):
        raise DataError(f"{where} holds {kind_in_words(row)}, expected an object with the set's fields")
    return row


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as problem:
        raise missing_extra(f"reading {path} needs the package pyarrow", extra="data") from problem
    try:
        file = parquet.ParquetFile(path)
        names = file.schema_arrow.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DataError(f"{path} has several columns {twice[0]!r}, and nothing tells which is meant.")
        for batch in file.iter_batches():
            yield from batch.to_pylist()
    except (ArrowException, OSError, UnicodeDecodeError) as problem:
        reason = " ".join(str(problem).split())[:300]
        raise DataError(f"cannot read {path} as Parquet: {reason}. Fetch or write it again.") from problem


def _text_of(row: Row, path: Path, number: int) -> str:
    for field in _TEXT_FIELDS:
        if isinstance(row.get(field), str):
            return str(row[field])
    raise DataError(
        f"{path}, row {number:,} has none of the fields {', '.join(_TEXT_FIELDS)}; its fields: "
        f"{', '.join(sorted(row)) or 'none'}."
    )


def _with_line_end(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
