"""Lines on a terminal end between words."""

import os
import re
import shutil
from typing import TextIO

# A command in a sentence stays in one piece, whatever its length: broken by us it could not be copied.
_COMMAND = re.compile(r"\S*(?:gpt25|torchrun|source) (?:[a-z-]+\b)(?:(?![.;,:]? (?:or|and|then)\b|[.;,] |[.;,]$).)*")
_JOINED = "\0"  # no text has it here: `visible_text` spells it


def at_width_of(stream: TextIO, text: str) -> str:
    """The text as the stream gets it: on a terminal its long lines are broken between words, elsewhere it is as it is.

    Lines that begin with a space are somebody's code or a command, and stay.
    """
    if not stream.isatty():
        return text
    columns = columns_of(stream)
    return "\n".join(_broken(line, columns) for line in text.split("\n"))


def columns_of(stream: TextIO) -> int:
    """The width of a terminal, or what COLUMNS says of it."""
    if "COLUMNS" not in os.environ:
        try:
            return os.get_terminal_size(stream.fileno()).columns or 80
        except (OSError, ValueError):  # a stream that is no terminal after all
            pass
    return shutil.get_terminal_size().columns


def _broken(line: str, columns: int) -> str:
    r"""_broken("one two three", 8) -> "one two\nthree"."""
    if len(line) <= columns or line.startswith((" ", "\t")):
        return line
    words = _COMMAND.sub(lambda found: found[0].replace(" ", _JOINED), line).split(" ")
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= columns:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines).replace(_JOINED, " ")
