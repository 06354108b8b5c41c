"""Put finished chunks together into the shards of both splits, one chunk in memory at a time."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gpt25.data.preparation.chunks import ChunkRecord, chunk_path, chunk_tokens
from gpt25.data.preparation.preparation_settings import PreparationSettings
from gpt25.data.preparation.shard_writer import ShardWriter
from gpt25.data.shards.prepared_data import PreparedSplit
from gpt25.data.shards.shard_format import TOKEN_BYTES, TOKEN_DTYPE
from gpt25.data.sources.document import SPLITS, Split
from gpt25.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from gpt25.tokenizer import Tokenizer


_MOST_SMALL_SHARDS, _LARGE_SHARD_TOKENS = 1000, 1_000_000


@dataclass
class _Sizes:
    tokens: int = 0
    documents: int = 0
    bytes: int = 0


def assemble(records: list[ChunkRecord], folder: Path, settings: PreparationSettings) -> dict[Split, PreparedSplit]:
    """Stream all chunks of `folder` into shards inside it.

    With validation_tokens, the first tokens of all become validation, cut to the token even inside a document, as
    llm.c does it. Raises DataError where there are no more tokens than these.
    """
    sizes = {split: _Sizes() for split in SPLITS}
    for record in records:
        for split, size in sizes.items():
            size.tokens += record.tokens[split]
            size.documents += record.documents[split]
            size.bytes += record.bytes[split]
    first_tokens = settings.validation_tokens or 0
    if first_tokens:
        _move_first(records, folder, settings.tokenizer, sizes, first_tokens)
    _require_few_files(sizes, settings.tokens_per_shard)
    writers = {
        split: ShardWriter(
            folder, split, number_of_tokens=sizes[split].tokens, tokens_per_shard=settings.tokens_per_shard
        )
        for split in SPLITS
    }
    try:
        for number, record in enumerate(records):
            parts = chunk_tokens(chunk_path(folder, number), record)
            moved = parts["train"][: first_tokens * TOKEN_BYTES]
            first_tokens -= len(moved) // TOKEN_BYTES
            writers["train"].write(parts["train"][len(moved) :])
            writers["validation"].write(moved or parts["validation"])
    finally:
        for writer in writers.values():
            writer.close()
    return {
        split: PreparedSplit(size.tokens, size.documents, size.bytes, tuple(writers[split].records))
        for split, size in sizes.items()
    }


def _require_few_files(sizes: dict[Split, _Sizes], tokens_per_shard: int) -> None:
    """Raise ConfigurationError where small shards would be more files than anybody wants in a directory."""
    files = sum(-(-size.tokens // tokens_per_shard) for size in sizes.values())
    if files > _MOST_SMALL_SHARDS and tokens_per_shard < _LARGE_SHARD_TOKENS:
        tokens = sum(size.tokens for size in sizes.values())
        raise ConfigurationError(
            f"--tokens-per-shard {tokens_per_shard:,} would cut {tokens:,} tokens into {files:,} files; at most "
            f"{_MOST_SMALL_SHARDS:,} of that size are written. Give at least "
            f"--tokens-per-shard {-(-tokens // (_MOST_SMALL_SHARDS - 1))}; 100000000 is usual. What has been encoded "
            "is kept."
        )


def _move_first(
    records: list[ChunkRecord], folder: Path, tokenizer: "Tokenizer", sizes: dict[Split, _Sizes], first_tokens: int
) -> None:
    """Count the first tokens, with the documents that begin in them and the bytes of their text, as validation."""
    train, validation = sizes["train"], sizes["validation"]
    if train.tokens <= first_tokens:
        raise DataError(
            f"the text has {train.tokens:,} tokens, and the first {first_tokens:,} were to be held out for "
            "validation: none would be left to train on. Give fewer validation tokens, more text, or fewer parts."
        )
    number = 0
    while validation.tokens + records[number].tokens["train"] <= first_tokens:
        record = records[number]
        validation.tokens += record.tokens["train"]
        validation.documents += record.documents["train"]
        validation.bytes += record.bytes["train"]
        number += 1
    missing = first_tokens - validation.tokens
    if missing:
        content = chunk_tokens(chunk_path(folder, number), records[number])["train"][: missing * TOKEN_BYTES]
        ids = np.frombuffer(content, dtype=TOKEN_DTYPE)  # (missing,)
        text = ids[ids != tokenizer.end_of_text_id]
        validation.tokens += missing
        validation.documents += missing - len(text)
        validation.bytes += len(tokenizer.decode_bytes(text))
    train.tokens -= validation.tokens
    train.documents -= validation.documents
    train.bytes -= validation.bytes
