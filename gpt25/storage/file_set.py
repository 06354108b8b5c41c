"""Several files that mean something only together, in a directory that may hold others: all new, or all as before."""

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from gpt25.storage.atomic import (
    atomic_directory,
    directory_itself,
    fsync,
    require_writable_directory,
)
from gpt25.storage.paths.path_questions import entries, exists, matching, resolved
from gpt25.storage.paths.storage_error import storage_error
from gpt25.storage.paths.temporary_path import temporary_path


@contextlib.contextmanager
def atomic_files(directory: str | Path, *, superseded: Collection[str] = ()) -> Iterator[Path]:
    """Yield a temporary directory; the files written there take their places in `directory` together.

    The directory is replaced in one step by one that holds the new files and the others of before (the same files,
    linked; copied where the file system has no such links). Where it cannot be replaced, because it is the working
    directory or a mount, all files are written first, then those of before go, and the new ones take their names, the
    first by name last: a reader finds all of them or misses one. On an exception everything stays as it was.
    superseded: names of files that would contradict the new ones and go with those of before.
    Raises StorageError or DiskFullError.
    """
    directory = directory_itself(directory)
    if not exists(directory) or _is_replaceable(directory):
        with atomic_directory(directory) as temporary:
            yield temporary
            if exists(directory):
                _carry_over(directory, temporary, superseded)
        return
    temporary = temporary_path(require_writable_directory(directory) / "files")
    try:
        temporary.mkdir()
        yield temporary
        _put_in_place(temporary, directory, superseded)
    except OSError as problem:
        raise storage_error(problem, directory, "cannot write in") from problem
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_replaceable(directory: Path) -> bool:
    """Whether a rename can put another directory in this one's place, and nobody stands in this one."""
    here = resolved(directory)
    try:
        return not (
            Path.cwd().is_relative_to(here) or os.path.ismount(here) or not os.access(here.parent, os.W_OK | os.X_OK)
        )
    except OSError:  # the working directory was deleted: nobody can be in it
        return not os.path.ismount(here)


def _carry_over(directory: Path, temporary: Path, superseded: Collection[str]) -> None:
    """Give the new directory what else the old one holds, and its permissions."""
    shutil.copystat(directory, temporary)
    for entry in entries(directory):
        new = temporary / entry.name
        if entry.name in superseded or os.path.lexists(new):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, new, symlinks=True, copy_function=_link)
        else:
            _link(entry, new)


def _link(old: str | Path, new: str | Path) -> None:
    try:
        os.link(old, new, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(old, new, follow_symlinks=False)


def _put_in_place(temporary: Path, directory: Path, superseded: Collection[str]) -> None:
    names = [path.name for path in matching(temporary, "*")]
    for name in names:
        fsync(temporary / name)
    for name in [*names, *superseded]:
        (directory / name).unlink(missing_ok=True)
    for name in reversed(names):
        os.replace(temporary / name, directory / name)
    fsync(directory)
