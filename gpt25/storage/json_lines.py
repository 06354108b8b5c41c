"""JSON files and JSON lines: one object a line, appended; a line torn by a crash is dropped when read."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from gpt25.errors import CorruptFileError, StorageError
from gpt25.storage.atomic import json_bytes, storage_error, write_bytes
from gpt25.storage.paths.path_questions import require_regular_file

_CHUNK_BYTES = 65_536
_ADVICE = "Write what it gives into a file."
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
                rest = memoryview(line)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
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

    The last line may be torn by a crash and is then left out; a broken line elsewhere raises CorruptFileError.
    """
    path = Path(path)
    require_regular_file(path, advice=_ADVICE)
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    contents = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            contents.append(json.loads(line))
        except (ValueError, RecursionError) as problem:
            if number == len(lines):
                break
            raise CorruptFileError(f"{path}, line {number} is not JSON: {problem}") from problem
    return contents


def read_json(path: str | Path) -> Any:
    """The one JSON value of a file; raises StorageError when unreadable, CorruptFileError when not JSON."""
    path = Path(path)
    require_regular_file(path, advice=_ADVICE)
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as problem:
        raise CorruptFileError(f"{path} is not JSON: {problem}") from problem
