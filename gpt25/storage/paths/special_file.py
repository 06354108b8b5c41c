"""Writing into what is no regular file: a device, a pipe, or the terminal under one of its names in /dev."""

import errno
import os
import re
import stat
import sys
import time
from pathlib import Path

from gpt25.errors import StorageError
from gpt25.storage.paths.path_questions import path_kind, path_status, what_is
from gpt25.storage.paths.storage_error import shown, storage_error

SECONDS_FOR_A_READER = 10.0
"""How long a pipe that nobody reads is waited for."""

_SECONDS_BETWEEN_TRIES = 0.05
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)", re.ASCII)


def is_special(path: str | Path) -> bool:
    """Whether a path must be written into, and can never be replaced: no regular file, or a name of an open one."""
    kind = path_kind(path)
    return kind == "special" or (kind is not None and _named_descriptor(path) is not None)


def require_writable_special(path: str | Path) -> None:
    """Raise StorageError for a block device, which would be overwritten, and a socket, which cannot be written into."""
    status = path_status(path)
    if _named_descriptor(path) is None and status is not None and not _takes_bytes(status.st_mode):
        raise StorageError(f"{shown(path)} is {what_is(path)} that cannot be written like a file. Name a file.")


def write_into(path: str | Path, content: bytes) -> None:
    """Write bytes into a device or a pipe, which stays what it is; a pipe waits some seconds for its reader.

    Raises StorageError or DiskFullError, as where the reader has gone.
    """
    require_writable_special(path)
    try:
        descriptor = _open(path)
        try:
            os.set_blocking(descriptor, True)
            write_all(descriptor, content)
        finally:
            os.close(descriptor)
    except OSError as problem:
        raise storage_error(problem, path, "cannot write into") from problem


def write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes to an open file, in as many pieces as the system takes; raises its OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _takes_bytes(mode: int) -> bool:
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _named_descriptor(path: str | Path) -> int | None:
    """The open file that a name stands for: 1 for /dev/stdout; opening that name anew would begin at its start."""
    name = os.path.abspath(path) if os.path.isabs(path) else str(path)
    match = _DESCRIPTOR.fullmatch(name)
    return int(match[1]) if match else _STREAMS.get(name)


def _open(path: str | Path) -> int:
    number = _named_descriptor(path)
    if number is not None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # what was said before comes first
        return os.dup(number)
    # Without waiting, for a pipe that nobody ever reads would hold the program for ever.
    flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0)
    give_up = time.monotonic() + SECONDS_FOR_A_READER
    while True:
        try:
            return os.open(path, flags)
        except OSError as problem:
            if problem.errno != errno.ENXIO:
                raise
            if time.monotonic() > give_up:
                raise OSError(errno.ENXIO, "nobody reads from it; start its reader first") from problem
        time.sleep(_SECONDS_BETWEEN_TRIES)
