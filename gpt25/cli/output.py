"""What a command says, and where: results on standard output, everything else so that `--json` stays one JSON object.

On a terminal, tables and progress are drawn by rich; elsewhere they are plain lines without control codes.
"""

import dataclasses
import json as json_format
import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from gpt25.cli.progress import PlainProgress, Progress, SilentProgress, TerminalProgress


def to_json(value: Any) -> Any:
    """A value that JSON has: dataclasses become objects, paths strings, arrays lists, NaN and infinity null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # a numpy or torch array, or one number of it
        return to_json(value.tolist())
    raise TypeError(f"{type(value).__name__} has no place in a JSON object")


class Output:
    """Where a command's words go.

    With `json`, standard output carries the one object given to `result` and everything for people goes to standard
    error. With `quiet` (a rank other than the first) nothing is said at all.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet

    def _people(self) -> TextIO:
        return sys.stderr if self.json else sys.stdout

    @property
    def on_terminal(self) -> bool:
        """Whether the text for people goes to a terminal, not to a file or a pipe."""
        return self._people().isatty()

    def say(self, text: str = "", *, end: str = "\n") -> None:
        """Text for people: standard output, or standard error with --json. `end=""` for pieces of a stream."""
        if not self.quiet:
            print(text, end=end, file=self._people(), flush=True)

    def note(self, text: str) -> None:
        """A remark beside the result, always on standard error."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def result(self, content: Any, text: str | None = None) -> None:
        """What the command was asked for: `content` as one JSON object with --json, else `text` if there is one."""
        if self.quiet:
            return
        if self.json:
            # ASCII only, so that no terminal's or pipe's encoding can spoil it; JSON's \u escapes carry the rest.
            print(json_format.dumps(to_json(content), allow_nan=False), flush=True)
        elif text is not None:
            self.say(text)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Rows under headings: drawn on a terminal, aligned plain columns elsewhere. Empty headings are not shown."""
        if self.quiet:
            return
        cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
        stream = self._people()
        if stream.isatty():
            _draw_table(stream, title, columns, cells)
        else:
            print(_plain_table(title, columns, cells), file=stream, flush=True)

    def progress(self, description: str, total: int | None, unit: str) -> AbstractContextManager[Progress]:
        """A context manager that yields an object with `advance(units_done, **fields)`; it is drawn on standard error.

        `unit` is a plural ("documents"); `fields` are shown behind the bar ("loss", "tokens_per_second").
        `total` None means that nobody knows how many there are.
        """
        if self.quiet:
            return nullcontext(SilentProgress())
        if sys.stderr.isatty():
            return TerminalProgress(description, total, unit)
        return PlainProgress(description, total, unit)


def _draw_table(stream: TextIO, title: str, columns: Sequence[str], cells: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, show_header=any(columns))
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if _is_numeric(cells, place) else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console(file=stream).print(table)


def _plain_table(title: str, columns: Sequence[str], cells: list[list[str]]) -> str:
    """_plain_table("sizes", ["name", "count"], [["a", "1"]]) -> a title, a heading and a line per row."""
    widths = [max(len(column), *(len(row[place]) for row in cells), 0) for place, column in enumerate(columns)]
    right = [_is_numeric(cells, place) for place in range(len(columns))]
    lines = [title] if title else []
    for row in [list(columns), *cells] if any(columns) else cells:
        padded = (
            cell.rjust(width) if to_the_right else cell.ljust(width)
            for cell, width, to_the_right in zip(row, widths, right, strict=True)
        )
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _is_numeric(cells: list[list[str]], place: int) -> bool:
    return bool(cells) and all(row[place].replace(",", "").replace(".", "").lstrip("-").isdigit() for row in cells)
