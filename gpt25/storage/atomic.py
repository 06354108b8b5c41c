"""Atomic writes: a reader sees the old bytes or the new ones, never a mixture, also after kill -9 or a power cut."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpt25.errors import StorageError
from gpt25.storage.paths.path_questions import entries, is_directory, path_kind, resolved, what_is
from gpt25.storage.paths.special_file import is_special, write_into
from gpt25.storage.paths.storage_error import shown
from gpt25.storage.paths.storage_error import storage_error as storage_error
from gpt25.storage.paths.temporary_path import TEMPORARY_MARK, temporary_path
from gpt25.storage.replace_directory import REPLACED_MARK, replace_directory, restore_replaced

_DIRECTORIES_CAN_BE_OPENED = os.name != "nt"


def fsync(path: Path) -> None:
    """Ask the kernel to put a file's bytes, or a directory's entries, on the disk itself."""
    if path.is_dir() and not _DIRECTORIES_CAN_BE_OPENED:
        return
    # A file may be one that nobody may write, carried over from before; Windows synchronises only what may be written.
    descriptor = os.open(path, os.O_RDONLY if _DIRECTORIES_CAN_BE_OPENED else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path; the file written there becomes `path` when the block ends without an exception.

    It is fsynced before the rename. A file already at `path` is replaced; on an exception it stays as it was and the
    temporary one is removed. A device or a pipe is never replaced: StorageError, before the block runs.
    Raises StorageError or DiskFullError, also for an OSError of the block.
    """
    path = Path(path)
    if is_special(path):
        raise StorageError(f"cannot write {shown(path)}: it is {what_is(path)}, which no file replaces.")
    temporary = temporary_path(path)
    try:
        yield temporary
        fsync(temporary)
        os.replace(temporary, path)
        fsync(path.parent)
    except OSError as problem:
        raise storage_error(problem, path, "cannot write") from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file atomically: temporary sibling, fsync, rename. Raises StorageError or DiskFullError.

    What is no regular file, such as /dev/stdout or a pipe, is written into.
    """
    if is_special(path):
        write_into(path, content)
        return
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
    path = directory_itself(path)
    if path_kind(path) not in (None, "directory"):
        raise StorageError(f"cannot write {path}: a file stands there. Move it away or choose another directory.")
    temporary = temporary_path(path)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for entry in sorted(temporary.rglob("*"), reverse=True):
            if not entry.is_symlink() and (entry.is_file() or entry.is_dir()):
                fsync(entry)
        fsync(temporary)
        replace_directory(temporary, path)
        fsync(path.parent)
    except OSError as problem:
        raise storage_error(problem, path, "cannot write") from problem
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def directory_itself(path: str | Path) -> Path:
    """The path of a directory with a name that a sibling's can be made from: neither a link nor "."."""
    path = Path(path)
    return resolved(path) if os.path.islink(path) or path.name in ("", "..") else path


def remove_leftovers(directory: str | Path) -> list[Path]:
    """Delete the temporaries that a killed process left directly in `directory`; return the paths of those deleted.

    A backup of a directory whose replacement never arrived gets its name back instead.
    Call it only where no other process is writing: a temporary in use cannot be told from one left behind.
    """
    directory = Path(directory)
    if not is_directory(directory):
        return []
    removed = []
    try:
        for entry in entries(directory):
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
        probe = temporary_path(path / "probe")
        probe.touch()
        probe.unlink()
    except FileExistsError as problem:
        kind = what_is(path) if path_kind(path) else "a link to nothing"
        raise StorageError(
            f"cannot write in {shown(path)}: it is {kind}, and no directory. Choose another directory."
        ) from problem
    except (OSError, ValueError) as problem:
        raise StorageError(
            f"cannot write in {shown(path)}: {getattr(problem, 'strerror', None) or problem}. "
            "Choose another directory or change its permissions."
        ) from problem
    return path
