import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt25.data import Document, PreparedData, prepare, verify
from gpt25.errors import CorruptFileError, DataError, StorageError, TokenizerError
from gpt25.tokenizer import Tokenizer


@pytest.fixture
def prepared(tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]) -> PreparedData:
    return prepare(documents, tokenizer, tmp_path / "out", tokens_per_shard=5000, validation_fraction=0.2)


def change(path: Path, edit: Callable[[bytes], bytes]) -> None:
    path.write_bytes(edit(path.read_bytes()))


def test_what_was_prepared_is_verified_and_progress_adds_up(prepared: PreparedData) -> None:
    seen: list[int] = []
    assert verify(prepared.directory, progress=seen.append) == prepared
    assert sum(seen) == 2 * (prepared.train.tokens + prepared.validation.tokens)


def test_one_flipped_bit_is_found_and_its_file_named(prepared: PreparedData) -> None:
    path = prepared.directory / "train-000001.bin"
    change(path, lambda content: content[:3000] + bytes([content[3000] ^ 1]) + content[3001:])
    with pytest.raises(
        DataError, match=r"train-000001\.bin has SHA-256 \w+, index\.json says \w+: its bytes have changed"
    ):
        verify(prepared.directory)


def test_a_bit_in_the_unused_header_is_found_too(prepared: PreparedData) -> None:
    change(prepared.directory / "train-000000.bin", lambda content: content[:1000] + b"x" + content[1001:])
    with pytest.raises(DataError, match=r"train-000000\.bin has SHA-256"):
        verify(prepared.directory)


def test_a_truncated_shard_is_named_with_the_byte(prepared: PreparedData) -> None:
    change(prepared.directory / "validation-000000.bin", lambda content: content[:-2])
    with pytest.raises(DataError, match=r"validation-000000\.bin: the count at byte 8 .* cut short at byte [\d,]+"):
        verify(prepared.directory)


def test_an_id_beyond_the_vocabulary_is_named_with_its_byte(prepared: PreparedData) -> None:
    change(prepared.directory / "train-000000.bin", lambda content: content[:2000] + b"\xff\xff" + content[2002:])
    with pytest.raises(
        DataError, match=r"train-000000\.bin: token 65,535 at byte 2,000 is beyond the vocabulary of 310"
    ):
        verify(prepared.directory)


def test_a_missing_shard_is_named(prepared: PreparedData) -> None:
    (prepared.directory / "train-000002.bin").unlink()
    with pytest.raises(StorageError, match=r"cannot read .*train-000002\.bin"):
        verify(prepared.directory)


def test_an_index_that_miscounts_is_found(prepared: PreparedData) -> None:
    path = prepared.directory / "index.json"
    index = json.loads(path.read_text())
    index["train"]["tokens"] += 1
    path.write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"index\.json: the train shards add up to [\d,]+ tokens, the split says"):
        verify(prepared.directory)
    index["train"]["tokens"] -= 1
    index["train"]["shards"][0]["tokens"] -= 1
    path.write_text(json.dumps(index))
    with pytest.raises(
        DataError, match=r"train-000000\.bin holds 5,000 tokens \(count at byte 8\), index\.json says 4,999"
    ):
        verify(prepared.directory)
    path.write_text("{}")
    with pytest.raises(CorruptFileError, match=r"index\.json is not an index of token shards"):
        verify(prepared.directory)


def test_another_tokenizer_beside_the_shards_is_found(prepared: PreparedData, tokenizer: Tokenizer) -> None:
    Tokenizer.gpt2().save(prepared.directory / "tokenizer")
    with pytest.raises(
        DataError, match=rf"holds the tokenizer gpt2 \(\w+\), the shards were made with {tokenizer.name}"
    ):
        verify(prepared.directory)
    (prepared.directory / "tokenizer" / "tokenizer.json").write_text("{")
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        verify(prepared.directory)
