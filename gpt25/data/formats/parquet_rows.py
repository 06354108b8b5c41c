"""Texts of one column of a Parquet file, a few rows in memory at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gpt25.data.formats.reading_settings import NOT_OF_A_FOLDER
from gpt25.errors import DataError
from gpt25.installation import missing_extra

_ROWS_AT_A_TIME = 256


def parquet_texts(path: Path, *, field: str, name: str, owns: Callable[[int], bool]) -> Iterator[tuple[int, str, int]]:
    """(row, text, bytes of the file that are done with it) for every row of the row groups that `owns` says yes to.

    `owns` is asked with the byte at which a group would begin if all were of one size. Raises DataError naming `name`
    for a file that is no Parquet, and a column that is not there, there twice or not text; MissingExtraError.
    Text may be of any of Arrow's string types, as values of a dictionary too. An empty cell is an empty text.
    """
    try:
        from pyarrow import ArrowException, parquet, types
    except ImportError as problem:
        raise missing_extra(f"reading {name} needs the package pyarrow", extra="data") from problem
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            _require_once(schema.names, field, name)
            if field not in schema.names:
                names = ", ".join(map(repr, schema.names[:10])) or "none"
                raise DataError(
                    f"{name} has no column {field!r}; its columns: {names}. Choose one with --field.{NOT_OF_A_FOLDER}"
                )
            kind = schema.field(field).type
            of_values = kind.value_type if types.is_dictionary(kind) else kind
            if not (types.is_string(of_values) or types.is_large_string(of_values) or types.is_string_view(of_values)):
                raise DataError(
                    f"{name}: the column {field!r} holds {kind}, expected a text. Choose another one with --field."
                )
            size, groups, row = path.stat().st_size, file.num_row_groups, 0
            for group in range(groups):
                rows = file.metadata.row_group(group).num_rows
                if rows and owns(size * group // groups):
                    batches = file.iter_batches(_ROWS_AT_A_TIME, row_groups=[group], columns=[field], use_threads=False)
                    yield from _texts(batches, first_row=row, bytes_per_row=size / groups / rows)
                row += rows
    except (ArrowException, OSError, UnicodeDecodeError) as problem:
        reason = " ".join(str(problem).split())[:300].rstrip(".")
        raise DataError(
            f"cannot read {name} as Parquet: {reason}. Fetch or write it again, or take it out of the sources."
        ) from problem


def parquet_columns(path: Path, *, name: str) -> list[str]:
    """The columns that a Parquet file names; raises DataError for what is none, and MissingExtraError."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as problem:
        raise missing_extra(f"reading {name} needs the package pyarrow", extra="data") from problem
    try:
        return list(parquet.read_schema(path).names)
    except (ArrowException, OSError) as problem:
        raise DataError(f"cannot read {name} as Parquet: {problem}") from problem


def _require_once(names: list[str], field: str, name: str) -> None:
    if names.count(field) > 1:
        raise DataError(
            f"{name} has {names.count(field)} columns {field!r}, and nothing tells which is meant; write the file "
            "again with a name for each."
        )


def _texts(batches: Iterator[Any], *, first_row: int, bytes_per_row: float) -> Iterator[tuple[int, str, int]]:
    done = 0
    for batch in batches:
        for text in batch.column(0).to_pylist():
            done += 1
            yield first_row + done, text or "", int(done * bytes_per_row) - int((done - 1) * bytes_per_row)
