"""Atomic replacement of a directory: the old one or the new one is always there, if need be under a backup's name."""

import ctypes
import errno
import os
import uuid
from pathlib import Path

REPLACED_MARK = ".gpt25-replaced-"
_CURRENT_DIRECTORY = -100  # AT_FDCWD: paths are relative to the working directory, as everywhere else
_RENAME_EXCHANGE = 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def replace_directory(temporary: Path, path: Path) -> None:
    """Rename `temporary` to `path`; whatever directory stood there is at `temporary` afterwards, or gone.

    Linux exchanges the two names in one step (renameat2). Where that is not supported, the old directory is renamed
    to a backup from which `restore_replaced` brings it back if the process dies before the second rename.
    """
    if not os.path.lexists(path):
        os.rename(temporary, path)
        return
    if _exchange(temporary, path):
        return
    backup = path.with_name(f".{path.name}{REPLACED_MARK}{os.getpid()}-{uuid.uuid4().hex[:8]}")
    os.rename(path, backup)
    try:
        os.rename(temporary, path)
    except BaseException:
        os.rename(backup, path)
        raise
    os.rename(backup, temporary)


def restore_replaced(backup: Path) -> bool:
    """Rename a backup to the original name if nothing took its place; return whether that was done."""
    original = backup.with_name(backup.name[1:].split(REPLACED_MARK)[0])
    if os.path.lexists(original):
        return False
    os.rename(backup, original)
    return True


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names in one step; return False where the system or the file system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux, or a C library from before 2018
        return False
    names = (os.fsencode(first), os.fsencode(second))
    if renameat2(_CURRENT_DIRECTORY, names[0], _CURRENT_DIRECTORY, names[1], _RENAME_EXCHANGE) == 0:
        return True
    problem = ctypes.get_errno()
    if problem in _UNSUPPORTED:
        return False
    raise OSError(problem, os.strerror(problem), str(second))
