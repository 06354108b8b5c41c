"""TOML within bounds."""

import re
import tomllib
from pathlib import Path
from typing import Any

from gpt25.errors import CorruptFileError
from gpt25.storage.reading.bounded_file import read_bounded
from gpt25.storage.reading.json_values import TOO_DEEP, require_plain

_LARGEST_BYTES = 1 << 20  # a recipe has 3 kB
# A name a.b.c of n parts costs tomllib memory that grows with the square of n; no name of ours has more than two.
_MOST_DOTS_IN_A_LINE = 100
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")


def read_toml(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file; raises StorageError when it cannot be read, CorruptFileError when it is no TOML."""
    return parse_toml(read_toml_text(path), where=str(path))


def read_toml_text(path: str | Path) -> str:
    """The text of a TOML file, in UTF-8 as TOML is."""
    try:
        return read_bounded(path, largest_bytes=_LARGEST_BYTES).decode("utf-8")
    except UnicodeDecodeError as problem:
        raise CorruptFileError(f"{path} is not TOML: {problem}.") from problem


def parse_toml(text: str, *, where: str) -> dict[str, Any]:
    """The tables of a TOML text, no deeper and with no larger numbers than `require_plain` lets pass."""
    if any(line.count(".") > _MOST_DOTS_IN_A_LINE for line in _QUOTED.sub("", text).splitlines()):
        raise CorruptFileError(
            f"{where} is not TOML that can be read: a line has more than {_MOST_DOTS_IN_A_LINE} dots outside of quotes."
        )
    try:
        content = tomllib.loads(text)
    except RecursionError as problem:
        raise CorruptFileError(f"{where} is not TOML that can be read: {TOO_DEEP}.") from problem
    except (ValueError, OverflowError) as problem:
        raise CorruptFileError(f"{where} is not TOML: {problem}.") from problem
    require_plain(content, where=where)
    return content
