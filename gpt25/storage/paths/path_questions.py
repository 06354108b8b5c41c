"""What is asked about paths: every question answers, or says in our own words why nobody can tell.

pathlib raises here what nobody catches: PermissionError, OSError for names that are too long, RuntimeError for links in
a circle, ValueError for a NUL, FileNotFoundError for a working directory that was deleted.
"""

import os
import stat
from pathlib import Path
from typing import Literal

from gpt25.errors import StorageError
from gpt25.storage.paths.storage_error import shown, storage_error

PathKind = Literal["file", "directory", "special"]
"""A regular file, a directory, or what is neither: a device, a pipe (FIFO) or a socket."""

_SPECIAL = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
_LOOK = "cannot look at"


def path_status(path: str | Path) -> os.stat_result | None:
    """What stands at a path, links followed; None where nothing does.

    Raises StorageError where that cannot be told: no permission, a name that is too long, links in a circle, a NUL.
    """
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as problem:
        raise storage_error(problem, path, _LOOK) from problem


def path_kind(path: str | Path) -> PathKind | None:
    """The kind of what stands at a path, links followed; None where nothing does. Raises as `path_status` does."""
    status = path_status(path)
    if status is None:
        return None
    if stat.S_ISREG(status.st_mode):
        return "file"
    return "directory" if stat.S_ISDIR(status.st_mode) else "special"


def exists(path: str | Path) -> bool:
    """Whether anything stands at a path, links followed. Raises as `path_status` does."""
    return path_kind(path) is not None


def is_file(path: str | Path) -> bool:
    """Whether a regular file stands there, links followed. Raises as `path_status` does."""
    return path_kind(path) == "file"


def is_directory(path: str | Path) -> bool:
    """Whether a directory stands there, links followed. Raises as `path_status` does."""
    return path_kind(path) == "directory"


def entries(directory: str | Path) -> list[Path]:
    """What lies directly in a directory, sorted; raises StorageError where it cannot be listed."""
    try:
        return sorted(Path(directory).iterdir())
    except (OSError, ValueError) as problem:
        raise storage_error(problem, directory, "cannot list") from problem


def matching(directory: str | Path, pattern: str) -> list[Path]:
    """The entries of a directory whose names match a pattern, sorted; none where there is no directory.

    matching(run, "update-*"). Raises StorageError where it cannot be listed.
    """
    return [path for path in entries(directory) if path.match(pattern)] if is_directory(directory) else []


def resolved(path: str | Path) -> Path:
    """The absolute path without links; raises StorageError where there is none, as in a deleted working directory."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as problem:
        raise storage_error(problem, path, _LOOK) from problem


def require_working_directory() -> None:
    """Raise StorageError where the working directory was deleted: no relative path means anything then."""
    try:
        os.getcwd()
    except OSError as problem:
        raise StorageError(
            f"the working directory cannot be found: {problem.strerror}. It was deleted or moved; change into another "
            "one (cd) and try again."
        ) from problem


def lies_within(directory: str | Path, path: str | Path) -> bool:
    """Whether a path, links followed, lies inside a directory. Raises as `resolved` does."""
    return resolved(path).is_relative_to(resolved(directory))


def what_is(path: str | Path) -> str:
    """The kind of a path in words: "a regular file", "a directory", "a pipe", "a device", "a socket" or "nothing"."""
    status = path_status(path)
    if status is None:
        return "nothing"
    words = (word for holds, word in _SPECIAL if holds(status.st_mode))
    return next(words, "a directory" if stat.S_ISDIR(status.st_mode) else "a regular file")


def require_regular_file(path: str | Path, *, advice: str) -> None:
    """Raise StorageError for a device, a pipe or a socket, which may be read for ever; the reader minds all else."""
    if path_kind(path) == "special":
        raise StorageError(f"{shown(path)} is {what_is(path)}, no regular file. {advice}")


def require_no_way_out(path: str | Path, *, of: str | Path) -> None:
    """Raise StorageError where `path`, in a directory `of` ours, is a link that leads out of it or to nowhere.

    Whoever unpacks or copies a directory made by others would else write wherever its links point.
    """
    if os.path.islink(path) and not (exists(path) and lies_within(of, path)):
        raise StorageError(
            f"{path} is a link that leads out of {of}, and nothing is written through it. Remove the link; to keep "
            f"things on another disk, put all of {of} there."
        )
