"""The tokens of one shard file, read where they are wanted.

Not mapped into memory: a map of a file that another program cuts short ends the process with SIGBUS, without a word,
and reading says which file it was. A block of 1,024 tokens takes about as long either way.
"""

import os
import threading
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gpt25.data.shards.shard_format import HEADER_BYTES, TOKEN_BYTES, TOKEN_DTYPE
from gpt25.errors import DataError
from gpt25.storage.atomic import storage_error

_READS_AT_A_PLACE = hasattr(os, "pread")  # Windows has one position for all that read a file


class ShardFile:
    """Tokens of a shard whose header has been read; `stays_open` spares opening it for every read."""

    def __init__(self, path: Path, number_of_tokens: int, *, stays_open: bool) -> None:
        self.path = path
        self.number_of_tokens = number_of_tokens
        self._stays_open = stays_open
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    def tokens(self, start: int, count: int) -> NDArray[np.uint16]:
        """Tokens start…start+count-1, (count,) uint16, which must lie in the shard; DataError where it was cut short.

        A shard of which somebody overwrites bytes gives the new ones.
        """
        tokens = np.empty(count, dtype=TOKEN_DTYPE)  # (count,)
        content = tokens.view(np.uint8).data
        place = HEADER_BYTES + TOKEN_BYTES * start
        try:
            read = self._read(content, place)
        except OSError as problem:
            raise storage_error(problem, self.path, "cannot read") from problem
        if read < len(content):
            whole = HEADER_BYTES + TOKEN_BYTES * self.number_of_tokens
            raise DataError(
                f"{self.path} was cut short while it was being read: it ends before byte {place + len(content):,}, and "
                f"its {self.number_of_tokens:,} tokens take {whole:,} bytes. Put the whole file back and go on."
            )
        return tokens

    def _read(self, content: memoryview, place: int) -> int:
        """Fill `content` with the file's bytes from a place on; returns how many there were."""
        descriptor = self._open()
        try:
            done = 0
            while done < len(content) and (got := self._read_once(descriptor, content[done:], place + done)):
                done += got
            return done
        finally:
            if not self._stays_open:
                os.close(descriptor)

    def _read_once(self, descriptor: int, content: memoryview, place: int) -> int:
        if _READS_AT_A_PLACE:
            piece = os.pread(descriptor, len(content), place)
        else:
            with self._lock:
                os.lseek(descriptor, place, os.SEEK_SET)
                piece = os.read(descriptor, len(content))
        content[: len(piece)] = piece
        return len(piece)

    def _open(self) -> int:
        if not self._stays_open:
            return self._new_descriptor()
        if self._descriptor is not None:
            return self._descriptor
        with self._lock:
            if self._descriptor is None:
                self._descriptor = self._new_descriptor()
                weakref.finalize(self, os.close, self._descriptor)
            return self._descriptor

    def _new_descriptor(self) -> int:
        return os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
