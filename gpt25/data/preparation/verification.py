"""Prove that a prepared directory is what its index says, byte for byte."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gpt25.data.shards.prepared_data import INDEX_NAME, TOKENIZER_NAME, PreparedData, ShardRecord
from gpt25.data.shards.read_prepared_data import read_prepared_data
from gpt25.data.shards.shard_format import HEADER_BYTES, TOKEN_BYTES, TOKEN_DTYPE, read_shard_header
from gpt25.data.sources.document import SPLITS
from gpt25.errors import DataError
from gpt25.storage.atomic import storage_error
from gpt25.tokenizer import Tokenizer

_BLOCK_BYTES = 8 << 20


def verify(directory: str | Path, *, progress: Callable[[int], None] | None = None) -> PreparedData:
    """Check every shard's magic, version, size, count, ids and SHA-256, the totals, and the tokenizer beside them.

    `progress` is told the bytes of shards read. Returns the index; raises DataError (or CorruptFileError for the index
    itself) naming the file, and the offset where there is one. Memory does not grow with the shards.
    """
    data = read_prepared_data(directory)
    for name in SPLITS:
        split = data.split(name)
        for shard in split.shards:
            _verify_shard(data.directory / shard.file, shard, data.vocabulary_size, progress or (lambda _: None))
        total = sum(shard.tokens for shard in split.shards)
        if total != split.tokens:
            raise DataError(
                f"{data.directory / INDEX_NAME}: the {name} shards add up to {total:,} tokens, "
                f"the split says {split.tokens:,}"
            )
    tokenizer = Tokenizer.load(data.directory / TOKENIZER_NAME)
    if tokenizer.fingerprint != data.tokenizer_fingerprint:
        raise DataError(
            f"{data.directory / TOKENIZER_NAME} holds the tokenizer {tokenizer.name} ({tokenizer.fingerprint}), "
            f"the shards were made with {data.tokenizer_name} ({data.tokenizer_fingerprint})"
        )
    return data


def _verify_shard(path: Path, shard: ShardRecord, vocabulary_size: int, report: Callable[[int], None]) -> None:
    tokens = read_shard_header(path)
    if tokens != shard.tokens:
        raise DataError(f"{path} holds {tokens:,} tokens (count at byte 8), {INDEX_NAME} says {shard.tokens:,}")
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            digest.update(file.read(HEADER_BYTES))
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                _verify_ids(path, block, file.tell() - len(block), vocabulary_size)
                report(len(block))
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    if digest.hexdigest() != shard.sha256:
        raise DataError(
            f"{path} has SHA-256 {digest.hexdigest()}, {INDEX_NAME} says {shard.sha256}: its bytes have changed"
        )


def _verify_ids(path: Path, block: bytes, first_byte: int, vocabulary_size: int) -> None:
    ids = np.frombuffer(block, dtype=TOKEN_DTYPE)  # (tokens of the block,)
    if int(ids.max()) >= vocabulary_size:
        index = int(np.argmax(ids >= vocabulary_size))
        raise DataError(
            f"{path}: token {int(ids[index]):,} at byte {first_byte + TOKEN_BYTES * index:,} is beyond the "
            f"vocabulary of {vocabulary_size:,}"
        )
