from pathlib import Path

import numpy as np
import pytest

from gpt25.data import Document, open_shards, prepare
from gpt25.data.preparation import chunks as chunks_module
from gpt25.errors import ConfigurationError, DataError
from gpt25.tokenizer import Tokenizer


def as_llm_c_cuts(documents: list[Document], tokenizer: Tokenizer, tokens_per_shard: int) -> list[list[int]]:
    """All tokens in one row, each document behind its end-of-text token, cut into shards of one size."""
    row = [
        token
        for document in documents
        for token in [tokenizer.end_of_text_id, *tokenizer.encode(document.content.decode())]
    ]
    return [row[start : start + tokens_per_shard] for start in range(0, len(row), tokens_per_shard)]


@pytest.mark.parametrize("chunk_bytes", [1000, 10**9])
@pytest.mark.parametrize("size", [1, 999, 1000, 5000])
def test_the_first_shard_is_validation_and_all_shards_are_those_of_llm_c(
    tmp_path: Path,
    tokenizer: Tokenizer,
    documents: list[Document],
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    chunk_bytes: int,
) -> None:
    monkeypatch.setattr(chunks_module, "CHUNK_BYTES", chunk_bytes)
    data = prepare(
        documents[:100],
        tokenizer,
        tmp_path / "out",
        validation_tokens=size,
        tokens_per_shard=max(size, 500),
        number_of_processes=1,
    )
    shards = as_llm_c_cuts(documents[:100], tokenizer, size)
    validation, train = open_shards(tmp_path / "out", "validation"), open_shards(tmp_path / "out", "train")
    assert validation.tokens(0, size).tolist() == shards[0]
    assert train.tokens(0, train.number_of_tokens).tolist() == [token for shard in shards[1:] for token in shard]
    if size >= 500:
        assert [shard.tokens for shard in data.train.shards] == [len(shard) for shard in shards[1:]]
    assert (data.split_rule, data.validation_tokens, data.validation.tokens) == ("first", size, size)
    for split, tokens in (
        (data.validation, shards[0]),
        (data.train, [token for shard in shards[1:] for token in shard]),
    ):
        ids = np.array(tokens)
        assert split.documents == int((ids == tokenizer.end_of_text_id).sum())
        assert split.bytes == len(tokenizer.decode_bytes(ids[ids != tokenizer.end_of_text_id]))
    assert prepare(
        documents[:100], tokenizer, tmp_path / "out", validation_tokens=size, tokens_per_shard=max(size, 500)
    )


def test_values_that_cannot_be_are_refused(tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]) -> None:
    with pytest.raises(DataError, match=r"the text has [\d,]+ tokens, and the first 1,000,000 were to be held out"):
        prepare(documents, tokenizer, tmp_path / "out", validation_tokens=1_000_000)
    with pytest.raises(ConfigurationError, match="validation_tokens must be at least 1, not 0"):
        prepare(documents, tokenizer, tmp_path / "out", validation_tokens=0)
    with pytest.raises(ConfigurationError, match='validation_tokens and the split rule "first" go together'):
        prepare(documents, tokenizer, tmp_path / "out", split_rule="first")
    prepare(documents, tokenizer, tmp_path / "out", validation_tokens=100)
    with pytest.raises(DataError, match="was prepared with validation_tokens 100, not 200"):
        prepare(documents, tokenizer, tmp_path / "out", validation_tokens=200)
