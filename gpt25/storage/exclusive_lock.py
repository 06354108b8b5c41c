"""A lock that one process holds at a time and that the kernel releases when its holder dies, however it dies."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from gpt25.errors import StorageError
from gpt25.storage.paths.path_questions import is_file, what_is
from gpt25.storage.paths.storage_error import storage_error

_HELD = (errno.EAGAIN, errno.EACCES)
_LONGEST_NAME_IN_BYTES = 300
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextlib.contextmanager
def exclusive_lock(
    path: str | Path, *, of: str, advice: str, content: Literal["the holder", "its own"] = "the holder"
) -> Iterator[None]:
    """Hold the lock file `path`, made if need be and never removed, while the block runs.

    content: who holds it, or, of a file that is there for something else, what stands in it.

    Where another process holds it, StorageError is raised at once: "{of} is in use by process 41 on host. {advice}".
    A second lock of the same file in this process counts as another one. The lock is flock's: kill -9 releases it, and
    a child that outlives the holder keeps it. A file system or a system without such locks gives none. What is no file
    of its own, a link or a pipe, is refused with StorageError: nothing else is emptied or written.
    """
    path = Path(path)
    if os.path.lexists(path) and (os.path.islink(path) or not is_file(path)):
        kind = "a link" if os.path.islink(path) else what_is(path)
        raise StorageError(f"the lock file {path} is {kind}; a lock is a file of its own. Remove it.")
    # Not inherited over exec: what the holder starts must not keep the lock.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as problem:
        raise storage_error(problem, path, "cannot write") from problem
    try:
        if not _lock(descriptor, path):
            holder = _holder(descriptor) if content == "the holder" else "another process"
            raise StorageError(f"{of} is in use by {holder}. {advice}")
        if content == "the holder":
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> bool:
    """Take the lock and return whether that is allowed; no system that has none keeps anybody out."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in _HELD:
            return False
        if problem.errno not in _UNSUPPORTED:
            raise storage_error(problem, path, "cannot lock") from problem
    return True


def _holder(descriptor: int) -> str:
    """Who wrote itself into the lock file; the moment between locking and writing leaves nobody."""
    return os.read(descriptor, _LONGEST_NAME_IN_BYTES).decode("utf-8", errors="replace").strip() or "another process"
