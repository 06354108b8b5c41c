"""What a command says, and where: results on standard output, everything else so that `--json` stays one JSON object.

On a terminal, tables and progress are drawn by rich; elsewhere they are plain lines without control codes. Others'
words are in all of it (names of files and tensors, generated text, a library's complaint), so that everything passes
through `visible_text`, wherever it goes: a log is read on a terminal some day. Only `verbatim` text, which is itself
what was asked for, goes exact to the byte into a file or a pipe.
"""

import dataclasses
import json as json_format
import math
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from gpt25.cli.progress import PlainProgress, Progress, SilentProgress, TerminalProgress
from gpt25.cli.streams.visible_text import visible_text
from gpt25.cli.streams.word_wrap import at_width_of, columns_of

_LOOKS_LIKE_AN_ERROR = re.compile(r"^(?=error\b)", re.IGNORECASE | re.MULTILINE)


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
    """Where a command's output goes.

    With `json`, standard output carries the one object given to `result` and human-readable text goes to standard
    error. With `quiet` (a rank other than the first) nothing is said at all. On standard error no line begins with
    "error" but those of `error` itself, whatever a name or a sample holds.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.kept: Path | None = None
        """Where the work lies that the result only speaks about; None where the result is all there is."""

    def _text_stream(self) -> TextIO:
        return sys.stderr if self.json else sys.stdout

    @property
    def on_terminal(self) -> bool:
        """Whether human-readable text goes to a terminal, not to a file or a pipe."""
        return self._text_stream().isatty()

    @property
    def columns(self) -> int:
        """How wide human-readable text may be: the terminal's width; 80 where there is none."""
        return columns_of(self._text_stream()) if self.on_terminal else 80

    def can_show(self, text: str) -> bool:
        """Whether human-readable text may have these characters, by the encoding of where it goes."""
        try:
            text.encode(getattr(self._text_stream(), "encoding", None) or "utf-8")
        except (LookupError, UnicodeEncodeError):
            return False
        return True

    def say(self, text: str = "", *, end: str = "\n") -> None:
        """Human-readable text: standard output, or standard error with --json. `end=""` for pieces of a stream."""
        if not self.quiet:
            text = visible_text(text)
            text = _no_error(text) if self.json else text
            stream = self._text_stream()
            print(at_width_of(stream, text) if end == "\n" else text, end=end, file=stream, flush=True)

    def verbatim(self, text: str, *, end: str = "\n") -> None:
        """Text that is the result itself, such as a model's: exact in a file or pipe, made visible on a terminal.

        Raises the OSError of the stream once that does not take the text any more: to go on writing has no purpose.
        """
        if self.quiet:
            return
        stream = self._text_stream()
        print(visible_text(text) if stream.isatty() else text, end=end, file=stream, flush=True)
        problem = getattr(stream, "problem", None)
        if problem is not None:
            raise problem

    def note(self, text: str) -> None:
        """A remark beside the result, always on standard error."""
        if not self.quiet:
            print(at_width_of(sys.stderr, _no_error(visible_text(text))), file=sys.stderr, flush=True)

    def error(self, text: str) -> None:
        """Why the command failed, on standard error behind the word "error", also where others are quiet."""
        text = f"error: {_no_error(visible_text(text)).lstrip()}"
        print(at_width_of(sys.stderr, text), file=sys.stderr, flush=True)

    def result(self, content: Any, text: str | None = None, *, kept: Path | None = None) -> None:
        """What the command was asked for: `content` as one JSON object with --json, else `text` if there is one.

        kept: where the work itself lies, if this only speaks about it. It is then no failure that nobody can read this.
        """
        self.kept = kept
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
        title = visible_text(title, in_one_line=True)
        cells = [["" if cell is None else visible_text(str(cell), in_one_line=True) for cell in row] for row in rows]
        stream = self._text_stream()
        if stream.isatty():
            _draw_table(stream, title, columns, cells)
        else:
            print(_plain_table(title, columns, cells), file=stream, flush=True)

    def progress(
        self, description: str, total: int | None, unit: str, *, done: int = 0
    ) -> AbstractContextManager[Progress]:
        """A context manager that yields an object with `advance(units_done, **fields)`; it is drawn on standard error.

        `unit` is a plural ("documents"); `fields` are shown behind the bar ("loss", "tokens_per_second").
        `total` None means that nobody knows how many there are. `done` of them were done before.
        """
        if self.quiet:
            return nullcontext(SilentProgress())
        if sys.stderr.isatty():
            return TerminalProgress(description, total, unit, done=done)
        return PlainProgress(description, total, unit, done=done)


def _no_error(text: str) -> str:
    """The text with its lines that begin with "error" moved a little to the right."""
    return _LOOKS_LIKE_AN_ERROR.sub("  ", text)


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
