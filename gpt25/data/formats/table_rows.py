"""Texts of one column of a table in CSV or TSV, a row in memory at a time."""

import csv
import sys
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Literal

from gpt25.data.formats.reading_settings import NOT_OF_A_FOLDER, ReadingSettings
from gpt25.data.formats.source_stream import require_document_size
from gpt25.data.formats.text_policy import TextPolicy
from gpt25.data.formats.utf8_blocks import Utf8Blocks, utf8_blocks
from gpt25.errors import DataError
from gpt25.storage.text_lines import byte_lines

_DELIMITERS = {"csv": ",;\t|", "tsv": "\t"}
_MOST_NAMED = 10


def table_texts(
    stream: BinaryIO, *, kind: Literal["csv", "tsv"], settings: ReadingSettings, name: str, policy: TextPolicy
) -> Iterator[tuple[int, bytes, int]]:
    """(line, UTF-8 text, bytes of the stream) of every row behind the first, which names the columns.

    Cells of CSV are set apart by commas, or by the semicolon, tab or bar with which the first row has the field. Cells
    in quotes may hold line ends. An empty cell is an empty text; rows that the policy skips are left out, with "skip"
    also rows of too few or too many cells. Raises DataError naming `name` and the line.
    """
    found = utf8_blocks(stream, settings=settings, name=name, policy=policy)
    if found is None:
        return
    csv.field_size_limit(sys.maxsize)  # what one may have is checked while it grows, by its own rule
    lines = _Lines(found, settings=settings, name=name, policy=policy)
    first = next(lines, "")
    lines.begin_row()
    delimiter, columns = _header(first, _DELIMITERS[kind], settings.field)
    if not columns:
        return
    _require_column(columns, settings.field, name)
    place = columns.index(settings.field)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.number + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as problem:
            raise DataError(
                f"{name}, line {line:,}, begins no whole row: {problem}. A cell that holds a line end, {delimiter!r} "
                "or a quote stands in quotes, and a quote in it is written twice."
            ) from problem
        size, replaced, skipped = lines.begin_row()
        if skipped or not row:
            continue
        where = f"{name}, line {line:,}"
        if len(row) != len(columns):
            if policy.skips():
                continue
            raise DataError(
                f"{where}, has {len(row):,} cells, the first row names {len(columns):,} columns. Mend the row, or "
                "leave such rows out with --invalid-utf8 skip."
            )
        text = policy.bytes_from_text(row[place], where=where, replaced=replaced)
        if text is not None:
            yield line, text, size


def table_columns(stream: BinaryIO, *, kind: Literal["csv", "tsv"], settings: ReadingSettings, name: str) -> list[str]:
    """What the first row of a table names; raises DataError as reading does."""
    policy = settings.policy()
    found = utf8_blocks(stream, settings=settings, name=name, policy=policy)
    if found is None:
        return []
    csv.field_size_limit(sys.maxsize)
    first = next(_Lines(found, settings=settings, name=name, policy=policy), "")
    return _header(first, _DELIMITERS[kind], settings.field)[1]


class _Lines(Iterator[str]):
    """Decoded lines for the CSV reader, which remember what became of those of the row that is being read."""

    def __init__(self, found: Utf8Blocks, *, settings: ReadingSettings, name: str, policy: TextPolicy) -> None:
        require = partial(require_document_size, largest_bytes=settings.largest_document_bytes)
        self.number = 0
        self._name, self._policy, self._place = name, policy, found.first_byte
        self._require_row_size = require
        self._lines = byte_lines(found.blocks, require_size=lambda size: self._require(self._row_bytes + size))
        self._row_bytes, self._replaced, self._skipped = 0, False, False

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self._row_bytes += len(line)
        where = f"{self._name}, line {self.number:,}"
        decoded = None if self._skipped else self._policy.text_from_bytes(line, where=where, first_byte=self._place)
        self._place += len(line)
        if decoded is None:
            self._skipped = True
            return line.decode("utf-8", "replace")
        self._replaced |= decoded[1]
        return decoded[0]

    def begin_row(self) -> tuple[int, bool, bool]:
        """(bytes, whether something was replaced, whether it is skipped) of the row that has been read."""
        told = self._row_bytes, self._replaced, self._skipped
        self._row_bytes, self._replaced, self._skipped = 0, False, False
        return told

    def _require(self, size: int) -> None:
        self._require_row_size(size, where=f"{self._name}, the row at line {self.number + 1:,},")


def _header(line: str, delimiters: str, field: str) -> tuple[str, list[str]]:
    """The delimiter with which the first line names the field, or the most columns; and the columns."""
    read = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in delimiters}
    chosen = max(delimiters, key=lambda delimiter: (field in read[delimiter], len(read[delimiter])))
    return chosen, read[chosen]


def _require_column(columns: list[str], field: str, name: str) -> None:
    if columns.count(field) > 1:
        raise DataError(
            f"{name} has {columns.count(field)} columns {field!r}, and nothing tells which is meant; write the file "
            "again with a name for each."
        )
    if field not in columns:
        names = ", ".join(map(repr, columns[:_MOST_NAMED]))
        raise DataError(
            f"{name} has no column {field!r}; its columns: {names}. Choose one with --field.{NOT_OF_A_FOLDER}"
        )
