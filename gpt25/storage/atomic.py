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
from gpt25.storage.replace_directory import REPLACED_MARK, replace_directory, restore_replaced

TEMPORARY_MARK = ".gpt25-temporary-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DIRECTORIES_CAN_BE_OPENED = os.name != "nt"


def storage_error(problem: OSError, path: Path, action: str) -> StorageError:
    """Our own error for an operating-system one, naming the path and the action that failed: "cannot read"."""
    reason = problem.strerror or str(problem)
    if problem.errno in _FULL:
        return DiskFullError(
            f"{action} {path}: {reason}. Free some space; nothing that was there before has been changed."
        )
    return StorageError(f"{action} {path}: {reason}")


def _temporary_path(path: Path) -> Path:
    """A hidden sibling of `path`, so that the final rename stays on one file system."""
    return path.with_name(f".{path.name}{TEMPORARY_MARK}{os.getpid()}-{uuid.uuid4().hex[:8]}")


def _fsync(path: Path) -> None:
    """Ask the kernel to put a file's bytes, or a directory's entries, on the disk itself."""
    if path.is_dir() and not _DIRECTORIES_CAN_BE_OPENED:
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path; the file written there becomes `path` when the block ends without an exception.

    It is fsynced before the rename. A file already at `path` is replaced; on an exception it stays as it was and the
    temporary one is removed. Raises StorageError or DiskFullError, also for an OSError of the block.
    """
    path = Path(path)
    temporary = _temporary_path(path)
    try:
        yield temporary
        _fsync(temporary)
        os.replace(temporary, path)
        _fsync(path.parent)
    except OSError as problem:
        raise storage_error(problem, path, "cannot write") from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file atomically: temporary sibling, fsync, rename. Raises StorageError or DiskFullError."""
    with atomic_file(path) as temporary, open(temporary, "wb") as file:
        file.write(content)


def write_text(path: str | Path, content: str) -> None:
    """Write UTF-8 text atomically, line endings as given; a lone surrogate, which UTF-8 cannot hold, becomes "?"."""
    write_bytes(path, content.encode("utf-8", errors="replace"))


def json_bytes(content: Any, *, indent: int | None = None) -> bytes:
    """JSON as UTF-8 with a final newline; readable characters stay readable, lone surrogates become escapes."""
    try:
        return (json.dumps(content, indent=indent, ensure_ascii=False) + "\n").encode("utf-8")
    except UnicodeEncodeError:
        return (json.dumps(content, indent=indent, ensure_ascii=True) + "\n").encode("ascii")


def write_json(path: str | Path, content: Any) -> None:
    """Write one JSON value atomically, indented, with a final newline."""
    write_bytes(path, json_bytes(content, indent=2))


@contextlib.contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield a temporary directory that becomes `path` when the block ends without an exception.

    Every file in it is fsynced before the rename. A directory already at `path` is replaced by the whole new one,
    in one step where the system can (see replace_directory.py); a link at `path` stays, the directory it points to is
    replaced. On an exception the temporary directory is removed and `path` stays as it was.
    Raises StorageError, before the block runs, when something other than a directory stands at `path`.
    """
    path = Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)
    if path.exists() and not path.is_dir():
        raise StorageError(f"cannot write {path}: a file stands there. Move it away or choose another directory.")
    temporary = _temporary_path(path)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for entry in sorted(temporary.rglob("*"), reverse=True):
            _fsync(entry)
        _fsync(temporary)
        replace_directory(temporary, path)
        _fsync(path.parent)
    except OSError as problem:
        raise storage_error(problem, path, "cannot write") from problem
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(directory: str | Path) -> list[Path]:
    """Delete the temporaries that a killed process left directly in `directory`; return the paths of those deleted.

    A backup of a directory whose replacement never arrived gets its name back instead.
    Call it only where no other process is writing: a temporary in use cannot be told from one left behind.
    """
    directory = Path(directory)
    if not directory.is_dir():
        return []
    removed = []
    try:
        for entry in sorted(directory.iterdir()):
            replaced = REPLACED_MARK in entry.name
            if not (replaced or TEMPORARY_MARK in entry.name) or (replaced and restore_replaced(entry)):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
            removed.append(entry)
    except OSError as problem:
        raise storage_error(problem, directory, "cannot remove what a stopped process left in") from problem
    return removed


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
            f"cannot write in {path}: {problem.strerror or problem}. "
            "Choose another directory or change its permissions."
        ) from problem
    return path
