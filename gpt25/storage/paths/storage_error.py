"""Our own error for an operating-system one: which path, which action failed, and why."""

import errno
from pathlib import Path

from gpt25.errors import DiskFullError, StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MOST_CHARACTERS_OF_A_PATH = 300
_CHARACTERS_OF_AN_END = 100


def storage_error(problem: OSError | ValueError, path: str | Path, action: str) -> StorageError:
    """Our own error, naming the path and the action that failed: storage_error(problem, path, "cannot write").

    A ValueError is what Python raises for a path with a NUL in it.
    """
    reason = (problem.strerror if isinstance(problem, OSError) else None) or str(problem)
    if isinstance(problem, OSError) and problem.errno in _FULL:
        return DiskFullError(
            f"{action} {shown(path)}: {reason}. Free some space; nothing that was there before has been changed."
        )
    return StorageError(f"{action} {shown(path)}: {reason}")


def shown(path: str | Path) -> str:
    r"""A path for a message, in one line: shown("a\nb") -> "a\\nb"; of one that no file system takes, the two ends."""
    text = "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in str(path))
    if len(text) <= _MOST_CHARACTERS_OF_A_PATH:
        return text
    return f"{text[:_CHARACTERS_OF_AN_END]}…{text[-_CHARACTERS_OF_AN_END:]} ({len(text):,} characters)"
