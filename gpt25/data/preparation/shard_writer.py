"""Put the tokens of finished chunks together into shards, one chunk in memory at a time."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from gpt25.data.shards.prepared_data import ShardRecord
from gpt25.data.shards.shard_format import TOKEN_BYTES, shard_header
from gpt25.data.sources.document import Split
from gpt25.storage.atomic import storage_error


def shard_name(split: Split, number: int) -> str:
    """shard_name("train", 7) -> "train-000007.bin"."""
    return f"{split}-{number:06d}.bin"


class ShardWriter:
    """Writes a known number of tokens of one split into as many shards as needed, all full but the last.

    Since the count is known, headers and hashes are right from the first byte on. Raises StorageError or DiskFullError.
    """

    def __init__(self, folder: Path, split: Split, *, number_of_tokens: int, tokens_per_shard: int) -> None:
        self.records: list[ShardRecord] = []
        self._folder = folder
        self._split = split
        self._tokens_left = number_of_tokens
        self._tokens_per_shard = tokens_per_shard
        self._file: BinaryIO | None = None
        self._shard_tokens = 0
        self._bytes_wanted = 0

    def write(self, tokens: bytes) -> None:
        """Append tokens, given as the bytes of little-endian uint16."""
        rest = memoryview(tokens)
        while rest:
            if self._file is None:
                self._begin()
            part = rest[: self._bytes_wanted]
            self._put(part)
            self._bytes_wanted -= len(part)
            rest = rest[len(part) :]
            if not self._bytes_wanted:
                self._end()

    def close(self) -> None:
        """Release the file that a failure left open."""
        if self._file is not None:
            self._file.close()

    def _begin(self) -> None:
        self._shard_tokens = min(self._tokens_left, self._tokens_per_shard)
        self._tokens_left -= self._shard_tokens
        self._bytes_wanted = self._shard_tokens * TOKEN_BYTES
        self._hash = hashlib.sha256()
        self._path = self._folder / shard_name(self._split, len(self.records))
        try:
            self._file = open(self._path, "wb")  # noqa: SIM115 (closed in _end or close)
        except OSError as problem:
            raise storage_error(problem, self._path, "cannot write") from problem
        self._put(memoryview(shard_header(self._shard_tokens)))

    def _put(self, part: memoryview) -> None:
        assert self._file is not None
        try:
            self._file.write(part)
        except OSError as problem:
            raise storage_error(problem, self._path, "cannot write") from problem
        self._hash.update(part)

    def _end(self) -> None:
        assert self._file is not None
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as problem:
            raise storage_error(problem, self._path, "cannot write") from problem
        self._file = None
        self.records.append(ShardRecord(self._path.name, self._shard_tokens, self._hash.hexdigest()))
