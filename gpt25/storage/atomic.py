"""Atomic writes: a reader sees the old bytes or the new ones, never a mixture, also after kill -9 or a power cut."""

import contextlib
import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpt25.errors import DiskFullError, StorageError

TEMPORARY_MARK = ".gpt25-temporary-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def storage_error(problem: OSError, path: Path, doing: str) -> StorageError:
    """Our own error for an operating-system one, naming the path and what was being done."""
    reason = problem.strerror or str(problem)
    if problem.errno in _FULL:
        return DiskFullError(f"{doing} {path}: {reason}. Free some space; nothing that was there before has been changed.")
    return StorageError(f"{doing} {path}: {reason}")


def _temporary_path(path: Path) -> Path:
    """A hidden sibling of `path`, so that the final rename stays on one file system."""
    return path.with_name(f".{path.name}{TEMPORARY_MARK}{os.getpid()}-{uuid.uuid4().hex[:8]}")


def _synchronise(path: Path) -> None:
    """Ask the kernel to put a file's bytes, or a directory's entries, on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file atomically: temporary sibling, fsync, rename. Raises StorageError or DiskFullError."""
    path = Path(path)
    temporary = _temporary_path(path)
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _synchronise(path.parent)
    except OSError as problem:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise storage_error(problem, path, "cannot write") from problem


def write_text(path: str | Path, content: str) -> None:
    """Write UTF-8 text atomically, line endings as given."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: str | Path, content: Any) -> None:
    """Write one JSON value atomically, indented, with a final newline."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield a temporary directory that becomes `path` when the block ends without an exception.

    Every file in it is fsynced before the rename. A directory already at `path` is replaced by the whole new one.
    On an exception the temporary directory is removed and `path` stays as it was.
    """
    path = Path(path)
    temporary = _temporary_path(path)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for entry in sorted(temporary.rglob("*"), reverse=True):
            _synchronise(entry)
        _synchronise(temporary)
        _swap_in(temporary, path)
    except OSError as problem:
        raise storage_error(problem, path, "cannot write") from problem
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap_in(temporary: Path, path: Path) -> None:
    """Put `temporary` where `path` is; an old directory steps aside first and is removed last."""
    aside = None
    if path.exists():
        aside = _temporary_path(path)
        os.rename(path, aside)
    try:
        os.rename(temporary, path)
    except OSError:
        if aside is not None:
            os.rename(aside, path)
        raise
    _synchronise(path.parent)
    if aside is not None:
        shutil.rmtree(aside, ignore_errors=True)


def remove_leftovers(directory: str | Path) -> list[Path]:
    """Delete the temporaries that a killed process left directly in `directory`; return their paths."""
    directory = Path(directory)
    if not directory.is_dir():
        return []
    leftovers = sorted(entry for entry in directory.iterdir() if TEMPORARY_MARK in entry.name)
    for leftover in leftovers:
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    return leftovers


def require_writable_directory(path: str | Path) -> Path:
    """Create `path` if needed and prove that a file can be written in it, before any long work begins."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = _temporary_path(path / "probe")
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise StorageError(
            f"cannot write in {path}: {problem.strerror or problem}. Choose another directory or change its permissions."
        ) from problem
    return path
