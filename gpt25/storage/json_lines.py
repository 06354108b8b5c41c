"""JSON lines: one object a line, appended; a line torn by a crash is dropped when read."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from gpt25.errors import CorruptFileError, StorageError
from gpt25.storage.atomic import json_bytes, storage_error, write_bytes
from gpt25.storage.paths.special_file import write_all
from gpt25.storage.reading.bounded_file import read_bounded
from gpt25.storage.reading.json_values import parse_json, require_plain

LARGEST_ROWS_BYTES = 256 << 20
"""A row of metrics has about 300 bytes: a million of them fit."""

_CHUNK_BYTES = 65_536
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none


def append_json_line(path: str | Path, content: Any) -> None:
    """Append one object as one line in a single write.

    A line that a crash left torn at the end is dropped first, so that it can never end up in the middle of the file;
    when there is no room for the new line, the file stays as it was (DiskFullError). A link is not followed.
    """
    path = Path(path)
    if os.path.islink(path):
        raise StorageError(f"cannot append to {path}: it is a link, and nothing is written through it. Remove it.")
    line = json_bytes(content)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o666)
        try:
            _repair_last_line(descriptor)
            size = os.lseek(descriptor, 0, os.SEEK_END)
            try:
                write_all(descriptor, line)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
    except OSError as problem:
        raise storage_error(problem, path, "cannot append to") from problem


def _repair_last_line(descriptor: int) -> None:
    """Make an open file end in a newline: a last line without one is completed if it is JSON and dropped if not."""
    size = start = os.lseek(descriptor, 0, os.SEEK_END)
    tail = b""
    while start > 0 and b"\n" not in tail:
        start = max(0, start - _CHUNK_BYTES)
        os.lseek(descriptor, start, os.SEEK_SET)
        tail = os.read(descriptor, min(_CHUNK_BYTES, size - start - len(tail))) + tail
        if tail.endswith(b"\n"):
            return
    last_line = tail.rpartition(b"\n")[2]
    if not last_line:
        return
    try:
        json.loads(last_line)
    except (ValueError, RecursionError):
        os.ftruncate(descriptor, size - len(last_line))
    else:
        os.write(descriptor, b"\n")


def write_json_lines(path: str | Path, contents: list[Any]) -> None:
    """Write all objects atomically, a line each."""
    write_bytes(path, b"".join(json_bytes(content) for content in contents))


def read_json_lines(path: str | Path) -> list[Any]:
    """All objects of a JSON-lines file, oldest first; an absent file is an empty list.

    The last line may be torn by a crash and is then left out; a broken line elsewhere, one deeper or with larger
    numbers than `require_plain` lets pass, and a file of more than LARGEST_ROWS_BYTES raise CorruptFileError.
    """
    path = Path(path)
    if not os.path.lexists(path):
        return []
    lines = read_bounded(path, largest_bytes=LARGEST_ROWS_BYTES).split(b"\n")
    contents = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = parse_json(line, where=where)
        except CorruptFileError:
            if number == len(lines):
                break
            raise
        require_plain(row, where=where)
        contents.append(row)
    return contents
