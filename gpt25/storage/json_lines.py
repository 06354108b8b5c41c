"""JSON files and JSON lines: one object a line, appended; a line torn by a crash is dropped when read."""

import json
from pathlib import Path
from typing import Any

from gpt25.errors import CorruptFileError
from gpt25.storage.atomic import storage_error, write_text


def _line(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False) + "\n"


def append_json_line(path: str | Path, content: Any) -> None:
    """Append one object as one line in a single write."""
    try:
        with open(path, "ab") as file:
            file.write(_line(content).encode("utf-8"))
    except OSError as problem:
        raise storage_error(problem, Path(path), "cannot append to") from problem


def write_json_lines(path: str | Path, contents: list[Any]) -> None:
    """Write all objects atomically, a line each."""
    write_text(path, "".join(_line(content) for content in contents))


def read_json_lines(path: str | Path) -> list[Any]:
    """All objects of a JSON-lines file, oldest first; an absent file is an empty list.

    The last line may be torn by a crash and is then left out; a broken line elsewhere raises CorruptFileError.
    """
    path = Path(path)
    if not path.exists():
        return []
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    contents = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            contents.append(json.loads(line))
        except ValueError as problem:
            if number == len(lines):
                break
            raise CorruptFileError(f"{path}, line {number} is not JSON: {problem}") from problem
    return contents


def read_json(path: str | Path) -> Any:
    """The one JSON value of a file; raises StorageError when unreadable, CorruptFileError when not JSON."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as problem:
        raise CorruptFileError(f"{path} is not JSON: {problem}") from problem
