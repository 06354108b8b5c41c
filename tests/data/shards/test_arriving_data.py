"""Data while they are being fetched: what can be read of them already, and what is said of the rest."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from gpt25.data import ArrivingData, PreparedData, open_arriving_shards, open_shards, read_prepared_data
from gpt25.data.shards.arriving_data import ArrivingShard
from gpt25.data.shards.checked_shards import CheckedShards
from gpt25.data.shards.prepared_data import ARRIVING_NAME
from gpt25.data.shards.shard_contents import read_shard_contents
from gpt25.errors import CorruptFileError, DataError
from gpt25.tokenizer import Tokenizer


@pytest.fixture
def prepared(tokenizer: Tokenizer, documents: Any, tmp_path: Path) -> PreparedData:
    from gpt25.data import prepare

    return prepare(
        documents, tokenizer, tmp_path / "whole", validation_fraction=0.2, tokens_per_shard=500, number_of_processes=1
    )


@pytest.fixture
def arriving(prepared: PreparedData, tokenizer: Tokenizer, tmp_path: Path) -> Path:
    """The same on its way: validation, the tokenizer and the first training shard are there."""
    folder = tmp_path / "arriving"
    shutil.copytree(prepared.directory / "tokenizer", folder / "tokenizer")
    for shard in (*prepared.validation.shards, prepared.train.shards[0]):
        bring(shard.file, prepared, folder, tokenizer)
    ArrivingData(
        folder,
        "fineweb10B",
        ("hf://datasets/some/set",),
        prepared.tokenizer_name,
        prepared.tokenizer_fingerprint,
        prepared.vocabulary_size,
        prepared.validation,
        tuple(ArrivingShard(shard.file, shard.tokens) for shard in prepared.train.shards),
    ).write()
    return folder


def bring(name: str, prepared: PreparedData, folder: Path, tokenizer: Tokenizer) -> None:
    shutil.copy(prepared.directory / name, folder / name)
    CheckedShards.of(folder, "hf://datasets/some/set").keep(
        folder / name, read_shard_contents(folder / name, tokenizer)
    )


def test_what_was_written_is_read(arriving: Path, prepared: PreparedData) -> None:
    found = ArrivingData.read(arriving)
    assert found is not None
    assert found.name == "fineweb10B"
    assert found.validation == prepared.validation
    assert [shard.file for shard in found.train] == [shard.file for shard in prepared.train.shards]
    assert ArrivingData.read(prepared.directory) is None


def test_validation_is_open_to_all_and_training_to_those_who_wait(
    arriving: Path, prepared: PreparedData, tokenizer: Tokenizer
) -> None:
    held_out = open_shards(arriving, "validation", tokenizer=tokenizer)
    assert held_out.number_of_bytes == prepared.validation.bytes
    assert held_out.number_of_tokens == prepared.validation.tokens
    with pytest.raises(DataError, match=r"was not finished; run the same `gpt25 data fetch` again and it goes on"):
        open_shards(arriving, "train", tokenizer=tokenizer)
    with pytest.raises(DataError, match=r"was not finished; run the same `gpt25 data fetch`"):
        read_prepared_data(arriving)
    train = open_arriving_shards(arriving, "train", tokenizer=tokenizer)
    whole = open_shards(prepared.directory, "train", tokenizer=tokenizer)
    assert train.number_of_tokens == whole.number_of_tokens
    assert train.missing(train.paths) == list(train.paths[1:])
    assert train.tokens(0, 500).tolist() == whole.tokens(0, 500).tolist()
    second = prepared.train.shards[1].file
    shutil.copy(prepared.directory / second, arriving / second)
    assert train.paths[1] in train.missing(train.paths), "it has not been checked"
    bring(second, prepared, arriving, tokenizer)
    assert train.paths[1] not in train.missing(train.paths)
    assert train.tokens(450, 300).tolist() == whole.tokens(450, 300).tolist()


def test_a_finished_directory_is_opened_as_it_is(prepared: PreparedData, tokenizer: Tokenizer) -> None:
    train = open_arriving_shards(prepared.directory, "train", tokenizer=tokenizer)
    assert train.missing(train.paths) == []
    assert train.number_of_tokens == prepared.train.tokens


def test_another_tokenizer_is_refused(arriving: Path) -> None:
    for split in ("train", "validation"):
        with pytest.raises(DataError, match=r"was prepared with the tokenizer .*, not with gpt2"):
            open_arriving_shards(arriving, split, tokenizer=Tokenizer.gpt2())  # type: ignore[arg-type]


def test_a_damaged_record_is_named(arriving: Path) -> None:
    (arriving / ARRIVING_NAME).write_text('{"name": 3}')
    with pytest.raises(CorruptFileError, match=r"arriving\.json"):
        open_shards(arriving, "validation")
