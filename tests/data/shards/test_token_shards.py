import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt25.data import Document, PreparedData, TokenShards, adopt_bare_tokens, open_shards, prepare
from gpt25.data.shards import shard_file
from gpt25.data.shards import token_shards as token_shards_module
from gpt25.errors import ConfigurationError, CorruptFileError, DataError, StorageError
from gpt25.tokenizer import Tokenizer


def write_shard(path: Path, tokens: list[int], *, magic: int = 20240520, version: int = 1, extra: int = 0) -> Path:
    """A shard written by hand, as llm.c does it."""
    header = struct.pack("<3i", magic, version, len(tokens) + extra).ljust(1024, b"\0")
    path.write_bytes(header + np.array(tokens, dtype="<u2").tobytes())
    return path


@pytest.fixture
def public_folder(tmp_path: Path) -> Path:
    write_shard(tmp_path / "fineweb_val_000000.bin", [1, 2])
    write_shard(tmp_path / "fineweb_train_000002.bin", [6, 7, 8])
    write_shard(tmp_path / "fineweb_train_000001.bin", [3, 4, 5])
    return tmp_path


@pytest.fixture
def prepared(documents: list[Document], tokenizer: Tokenizer, tmp_path: Path) -> PreparedData:
    return prepare(documents[:5], tokenizer, tmp_path / "prepared", validation_fraction=0.3, number_of_processes=1)


def test_a_public_folder_without_an_index_opens_when_told_the_tokenizer(
    public_folder: Path, tokenizer: Tokenizer
) -> None:
    train = open_shards(public_folder, "train", tokenizer=tokenizer)
    assert train.tokens(0, 6).tolist() == [3, 4, 5, 6, 7, 8]
    assert (train.vocabulary_size, train.fingerprint) == (310, tokenizer.fingerprint)
    assert train.number_of_bytes is None
    assert open_shards(public_folder, "validation", vocabulary_size=50257).tokens(0, 2).tolist() == [1, 2]


def test_a_glob_opens_like_a_folder(public_folder: Path) -> None:
    shards = open_shards(str(public_folder / "*_00000[02].bin"), "train", vocabulary_size=50257)
    assert shards.tokens(0, 3).tolist() == [6, 7, 8]


def test_tokens_span_files_and_a_range_beyond_the_end_is_refused(public_folder: Path) -> None:
    shards = open_shards(public_folder, "train", vocabulary_size=10)
    assert shards.number_of_tokens == 6
    assert shards.tokens(2, 2).tolist() == [5, 6]
    assert shards.tokens(6, 0).tolist() == []
    assert shards.tokens(0, 1).dtype == np.uint16
    for start, count in ((5, 2), (-1, 2), (0, 7)):
        with pytest.raises(DataError, match=rf"tokens {start:,} to {start + count} were asked for; there are 6"):
            shards.tokens(start, count)


def test_without_an_index_the_tokenizer_must_be_named(public_folder: Path) -> None:
    with pytest.raises(DataError, match=r"has no index\.json that tells which tokenizer made its shards; name"):
        open_shards(public_folder, "train")


def test_names_must_tell_the_split(tmp_path: Path) -> None:
    write_shard(tmp_path / "tokens.bin", [1])
    with pytest.raises(DataError, match=r"none of the 1 shards at .* has 'val' in its name, such as tokens\.bin"):
        open_shards(tmp_path, "validation", vocabulary_size=10)
    with pytest.raises(ConfigurationError, match="split must be one of train, validation, not 'test'"):
        open_shards(tmp_path, "test", vocabulary_size=10)  # type: ignore[arg-type]


def test_a_place_without_shards_is_named(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent", str(tmp_path / "*.bin")):
        with pytest.raises(DataError, match="there are no token shards"):
            open_shards(place, "train", vocabulary_size=10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda content: content[:-1],
            r"count at byte 8 promises 100 tokens, 1,224 bytes, but the file has 1,223: it is cut",
        ),
        (lambda content: content + b"xy", "the file has 1,226: bytes from 1,224 on are foreign"),
        (lambda content: content[:500], "ends at byte 500, inside the header of 1,024 bytes"),
        (lambda content: b"", "ends at byte 0, inside the header"),
        (lambda content: b"PK" + content[2:], "at byte 0, expected 20240520: it is no llm.c token shard"),
        (lambda content: struct.pack("<i", 20240801) + content[4:], "magic 20240801 at byte 0 marks 32-bit tokens"),
        (lambda content: content[:4] + b"\2" + content[5:], "version 2 at byte 4, expected 1"),
        (lambda content: content[:8] + b"\xff\xff\xff\xff" + content[12:], "byte 8 promises -1 tokens"),
    ],
)
def test_a_damaged_shard_is_refused_with_file_and_offset(tmp_path: Path, change: object, message: str) -> None:
    path = write_shard(tmp_path / "train.bin", list(range(100)))
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(DataError, match=message) as refusal:
        open_shards(tmp_path, "train", vocabulary_size=1000)
    assert str(path) in str(refusal.value)


def test_a_shard_that_is_missing_is_named(tmp_path: Path, tokenizer: Tokenizer) -> None:
    prepare([Document("a", b"some text")], tokenizer, tmp_path, validation_fraction=0)
    (tmp_path / "train-000000.bin").unlink()
    with pytest.raises(StorageError, match=r"cannot read .*train-000000\.bin"):
        open_shards(tmp_path, "train")


def test_an_empty_shard_holds_no_tokens(tmp_path: Path) -> None:
    write_shard(tmp_path / "train_0.bin", [])
    write_shard(tmp_path / "train_1.bin", [5])
    shards = open_shards(tmp_path, "train", vocabulary_size=10)
    assert shards.tokens(0, 1).tolist() == [5]
    assert shards.locate(0) == (tmp_path / "train_1.bin", 1024)


def test_an_id_beyond_the_vocabulary_is_named_with_its_byte(public_folder: Path) -> None:
    shards = open_shards(public_folder, "train", vocabulary_size=10)
    tokens = shards.tokens(0, 6)
    shards.require_known_ids(tokens, start=0, vocabulary_size=9)
    with pytest.raises(
        DataError, match=r"fineweb_train_000002\.bin: token 7 at byte 1,026 is beyond the vocabulary of 7"
    ):
        shards.require_known_ids(tokens[2:], start=2, vocabulary_size=7)


def test_another_tokenizer_is_refused_naming_both(tmp_path: Path, tokenizer: Tokenizer) -> None:
    prepare([Document("a", b"some text")], tokenizer, tmp_path, validation_fraction=0)
    assert open_shards(tmp_path, "train", tokenizer=tokenizer).fingerprint == tokenizer.fingerprint
    assert open_shards(tmp_path, "train", fingerprint=tokenizer.fingerprint).vocabulary_size == 310
    other = Tokenizer.gpt2()
    made = rf"was prepared with the tokenizer {tokenizer.name} \({tokenizer.fingerprint}\)"
    with pytest.raises(DataError, match=rf"{made}, not with gpt2 \({other.fingerprint}\)\. Prepare the text again"):
        open_shards(tmp_path, "train", tokenizer=other)
    with pytest.raises(DataError, match=rf"{made}, not with {other.fingerprint}\."):
        open_shards(tmp_path, "train", fingerprint=other.fingerprint)


def test_a_split_without_documents_tells_why(tmp_path: Path, tokenizer: Tokenizer) -> None:
    prepare([Document("a", b"a"), Document("b", b"b")], tokenizer, tmp_path, validation_fraction=0)
    with pytest.raises(
        DataError, match=r"no validation tokens: its 2 documents were split with a validation fraction of 0"
    ):
        open_shards(tmp_path, "validation")


def test_an_index_that_disagrees_with_its_shards_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    prepare([Document("a", b"some text")], tokenizer, tmp_path, validation_fraction=0)
    write_shard(tmp_path / "train-000000.bin", [1, 2, 3])
    with pytest.raises(DataError, match=r"index\.json says \d+ train tokens, the shards hold 3; `gpt25 data verify`"):
        open_shards(tmp_path, "train")


def test_a_vocabulary_beyond_16_bits_is_refused(public_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="a vocabulary of 65,537 tokens does not fit"):
        open_shards(public_folder, "train", vocabulary_size=65_537)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "is not an index of token shards"),
        ('{"format": "gpt25 token shards", "version": 9}', "has version 9; this release reads 1"),
        ('{"format": "gpt25 token shards", "version": 1}', "index.json has no tokenizer_name"),
        ("[", "is not JSON"),
    ],
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "index.json").write_text(content)
    with pytest.raises(CorruptFileError, match=message):
        open_shards(tmp_path, "train")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vocabulary_size": "310"}, "vocabulary_size is '310'; it must be a whole number"),
        ({"sources": "a"}, "sources is 'a'; it must be a list"),
        ({"end_of_text_id": 10**6}, "end_of_text_id is 1,000,000; it must be below the vocabulary_size 310"),
        ({"validation_frction": 0.1}, "no field 'validation_frction'; did you mean 'validation_fraction'"),
        (
            {"train": {"tokens": 1, "documents": 1, "bytes": 1, "shards": [{"file": "/etc/hostname"}]}},
            "plain name of a",
        ),
        ({"train": {"tokens": 1, "documents": 1, "bytes": 1, "shards": [{"file": "../x"}]}}, "plain name of a file"),
    ],
)
def test_an_index_with_other_fields_than_ours_is_refused(
    change: dict[str, Any], message: str, prepared: PreparedData, tmp_path: Path
) -> None:
    (tmp_path / "index.json").write_text(json.dumps(prepared.as_json() | change))
    with pytest.raises(CorruptFileError, match=message):
        PreparedData.read(tmp_path)


def test_an_older_index_without_the_newest_fields_is_read(prepared: PreparedData, tmp_path: Path) -> None:
    content = prepared.as_json()
    del content["validation_tokens"], content["part"]
    (tmp_path / "index.json").write_text(json.dumps(content))
    assert PreparedData.read(tmp_path).train == prepared.train


def test_reading_an_index_that_is_not_there_tells_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no directory .*absent; `gpt25 data prepare` makes one"):
        PreparedData.read(tmp_path / "absent")
    with pytest.raises(DataError, match=r"has no index\.json, so it holds no data that"):
        PreparedData.read(tmp_path)
    (tmp_path / ".partial").mkdir()
    with pytest.raises(DataError, match=r"was not finished; run the same `gpt25 data prepare` again and it goes on"):
        PreparedData.read(tmp_path)


def test_opening_reads_headers_only(tmp_path: Path) -> None:
    path = tmp_path / "train.bin"
    with open(path, "wb") as file:  # a sparse file: 2 GB that take no room
        file.write(struct.pack("<3i", 20240520, 1, 10**9).ljust(1024, b"\0"))
        file.truncate(1024 + 2 * 10**9)
    shards = TokenShards([path], vocabulary_size=10, fingerprint=None, number_of_bytes=None)
    assert shards.tokens(10**9 - 1, 1).tolist() == [0]


def test_nanogpts_bare_ids_are_recognised_and_what_is_offered_works(tmp_path: Path) -> None:
    folder = tmp_path / "shakespeare"
    folder.mkdir()
    np.arange(900, dtype=np.uint16).tofile(folder / "train.bin")
    np.arange(90, dtype=np.uint16).tofile(folder / "val.bin")
    for split in ("train", "validation"):
        with pytest.raises(DataError, match="has no header: it is a list of bare ids, as nanoGPT writes it") as caught:
            open_shards(folder, split, vocabulary_size=50257)
    command = str(caught.value).split('python -c "')[1].split('"')[0]
    exec(command, {})
    assert open_shards(f"{folder}-shards", "train", vocabulary_size=50257).tokens(0, 900).tolist() == [*range(900)]
    assert open_shards(f"{folder}-shards", "validation", vocabulary_size=50257).number_of_tokens == 90
    with pytest.raises(DataError, match="holds .bin files already"):
        adopt_bare_tokens(folder, f"{folder}-shards")
    (folder / "train.bin").write_bytes(b"odd")
    with pytest.raises(DataError, match="no whole number of 16-bit ids"):
        adopt_bare_tokens(folder, tmp_path / "other")


def test_a_shard_that_is_cut_short_while_it_is_read_is_named(public_folder: Path) -> None:
    """A map of the file would end the process with SIGBUS here."""
    path = write_shard(public_folder / "fineweb_train_000002.bin", list(range(50_000)) * 4)
    shards = open_shards(public_folder, "train", vocabulary_size=50_257)
    assert shards.tokens(3, 2).tolist() == [0, 1]
    os.truncate(path, 1024 + 2 * 70_000)
    with pytest.raises(DataError, match=r"000002\.bin was cut short while it was being read: it ends before"):
        shards.tokens(3 + 69_999, 2)
    with pytest.raises(DataError, match="its 200,000 tokens take 401,024 bytes. Put the whole file back and go on"):
        shards.tokens(150_000, 10)
    assert shards.tokens(3 + 69_998, 2).tolist() == [19_998, 19_999]


def test_more_shards_than_may_stay_open_are_read_alike(public_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_shards_module, "_MOST_OPEN", 1)
    shards = open_shards(public_folder, "train", vocabulary_size=10)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        assert shards.tokens(0, 6).tolist() == [3, 4, 5, 6, 7, 8]
    assert len(os.listdir("/proc/self/fd")) == before + 1
    del shards
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_system_without_reads_at_a_place_reads_alike(public_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_file, "_READS_AT_A_PLACE", False)
    assert open_shards(public_folder, "train", vocabulary_size=10).tokens(1, 4).tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize("source", ["folder", "glob"])
def test_a_pipe_among_shards_is_named_and_not_waited_for(public_folder: Path, source: str) -> None:
    os.mkfifo(public_folder / "fineweb_train_000003.bin")
    place = public_folder if source == "folder" else public_folder / "*.bin"
    with pytest.raises(StorageError, match=r"fineweb_train_000003\.bin is a pipe, no regular file"):
        open_shards(place, "train", vocabulary_size=10)
