"""What a shard holds, counted from its tokens."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gpt25.data.shards.shard_format import HEADER_BYTES, TOKEN_BYTES, TOKEN_DTYPE, read_shard_header
from gpt25.errors import DataError
from gpt25.storage.atomic import storage_error

if TYPE_CHECKING:
    from gpt25.tokenizer import Tokenizer

_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True)
class ShardContents:
    """Tokens of a shard, documents that begin in it, bytes of their text, and the SHA-256 of the whole file."""

    tokens: int
    documents: int
    bytes: int
    sha256: str


def read_shard_contents(path: Path, tokenizer: "Tokenizer") -> ShardContents:
    """Read a shard through, a few megabytes at a time.

    Raises DataError naming file and byte for a wrong header or size, or an id that the tokenizer does not have.
    """
    tokens = read_shard_header(path)
    size, end = tokenizer.vocabulary_size, tokenizer.end_of_text_id
    special = set(tokenizer.special_tokens.values())
    lengths = [0 if token in special else len(tokenizer.token_bytes(token)) for token in range(size)]
    bytes_of = np.array(lengths, dtype=np.int64)  # (vocabulary,)
    digest, documents, text_bytes = hashlib.sha256(), 0, 0
    try:
        with open(path, "rb") as file:
            digest.update(file.read(HEADER_BYTES))
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                ids = np.frombuffer(block, dtype=TOKEN_DTYPE)  # (tokens of the block,)
                if int(ids.max()) >= size:
                    index = int(np.argmax(ids >= size))
                    byte = file.tell() - len(block) + TOKEN_BYTES * index
                    raise DataError(
                        f"{path}: token {int(ids[index]):,} at byte {byte:,} is beyond the vocabulary of {size:,}"
                    )
                documents += int((ids == end).sum())
                text_bytes += int(bytes_of[ids].sum())
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    return ShardContents(tokens, documents, text_bytes, digest.hexdigest())
