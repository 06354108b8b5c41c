"""Words that name a model or a run: the "@" in them, and what to say where nothing stands at the path."""

import difflib
from collections.abc import Callable
from pathlib import Path

from gpt25.errors import StorageError
from gpt25.records.run_directory import RunDirectory
from gpt25.storage import entries, exists, is_directory

_MOST_NAMES = 5
_MOST_ENTRIES = 200  # that are looked into: a folder of thousands is no folder of runs


def split_model_argument(argument: str) -> tuple[str, str | None]:
    """Split at the last "@": "runs/first@best" -> ("runs/first", "best"), "gpt2" -> ("gpt2", None).

    A path that is there is a name as it stands, whatever its own "@". Either half may be empty where it is wrong.
    """
    name, at, which = argument.rpartition("@")
    return (name, which) if at and not exists(argument) else (argument, None)


def no_such_directory(path: str | Path, *, is_one: Callable[[Path], bool] = RunDirectory.is_run) -> str:
    """What to say of a path at which nothing stands: "there is no directory runs/nope; runs holds first, mine.".

    is_one: whether a directory beside it is what the path was to be; those that are called most alike are named.
    """
    there = neighbours(path, is_one=is_one)
    missing = f"there is no directory {path}"
    if not there:
        return f"{missing}."
    alike = difflib.get_close_matches(Path(path).name, there, n=_MOST_NAMES, cutoff=0.0)
    more = ", …" if len(there) > len(alike) else ""
    where = "the working directory" if str(Path(path).parent) == "." else str(Path(path).parent)
    return f"{missing}; {where} holds {', '.join(alike)}{more}."


def neighbours(path: str | Path, *, is_one: Callable[[Path], bool]) -> list[str]:
    """The names of the directories beside a path for which `is_one` holds; none where nobody may look."""
    parent = Path(path).parent
    try:
        if not is_directory(parent):
            return []
        return [each.name for each in entries(parent)[:_MOST_ENTRIES] if is_directory(each) and is_one(each)]
    except StorageError:
        return []
