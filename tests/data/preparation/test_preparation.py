import errno
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gpt25.data import Document, PreparedData, open_shards, prepare, read_documents, split_of
from gpt25.data.preparation import chunks as chunks_module
from gpt25.data.preparation.split_rule import FEW_DOCUMENTS
from gpt25.errors import ConfigurationError, DataError, DiskFullError, StorageError
from gpt25.tokenizer import Tokenizer


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below a directory by its relative name."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks_module, "CHUNK_BYTES", 8192)


def test_every_document_is_end_of_text_and_its_tokens_in_order(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    data = prepare(documents, tokenizer, tmp_path / "out", validation_fraction=0.2)
    for name in ("train", "validation"):
        mine = [document for document in documents if split_of(document, validation_fraction=0.2) == name]
        expected = [token for document in mine for token in [309, *tokenizer.encode(document.content.decode())]]
        shards = open_shards(tmp_path / "out", name, tokenizer=tokenizer)
        assert shards.tokens(0, shards.number_of_tokens).tolist() == expected
        split = data.split(name)
        assert (split.tokens, split.documents) == (len(expected), len(mine))
        assert split.bytes == shards.number_of_bytes == sum(len(document.content) for document in mine)


def test_a_shard_is_byte_for_byte_what_llm_c_writes(tmp_path: Path, tokenizer: Tokenizer) -> None:
    prepare([Document("a", b"ab"), Document("b", b"c")], tokenizer, tmp_path / "out", validation_fraction=0)
    header = np.zeros(256, dtype="<i4")
    header[:3] = (20240520, 1, 5)
    tokens = np.array([309, *tokenizer.encode("ab"), 309, *tokenizer.encode("c")], dtype="<u2")
    assert len(tokens) == 5
    assert (tmp_path / "out" / "train-000000.bin").read_bytes() == header.tobytes() + tokens.tobytes()


def test_shards_are_full_but_the_last_and_read_as_one(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    one = prepare(documents, tokenizer, tmp_path / "one")
    many = prepare(documents, tokenizer, tmp_path / "many", tokens_per_shard=1000)
    sizes = [shard.tokens for shard in many.train.shards]
    assert len(sizes) > 3
    assert set(sizes[:-1]) == {1000}
    assert many.train.tokens == one.train.tokens == sum(sizes)
    assert [shard.file for shard in many.train.shards][:2] == ["train-000000.bin", "train-000001.bin"]
    whole = open_shards(tmp_path / "one", "train")
    parts = open_shards(tmp_path / "many", "train")
    for start, count in ((0, whole.number_of_tokens), (990, 20), (1000, 1000), (999, 1002)):
        assert np.array_equal(whole.tokens(start, count), parts.tokens(start, count))


def test_the_index_tells_everything_and_reads_back(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "one"}\n{"text": "tw\xffo"}\n{"text": ""}\n')
    reader = read_documents([tmp_path / "a.jsonl"], invalid_utf8="replace")
    data = prepare(reader, tokenizer, tmp_path / "out", validation_fraction=0)
    assert PreparedData.read(tmp_path / "out") == data
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert index["tokenizer_fingerprint"] == tokenizer.fingerprint
    assert index["tokenizer_name"] == tokenizer.name
    assert index["vocabulary_size"] == 310
    assert index["sources"] == [str(tmp_path / "a.jsonl")]
    assert index["counts"] == {"replaced": 1, "skipped": 0, "empty": 1, "byte_order_marks": 0}
    assert index["train"]["documents"] == 2
    assert index["train"]["bytes"] == len("onetw\ufffdo".encode())
    assert index["validation"] == {"tokens": 0, "documents": 0, "bytes": 0, "shards": []}
    assert Tokenizer.load(tmp_path / "out" / "tokenizer").fingerprint == tokenizer.fingerprint
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index.json", "tokenizer", "train-000000.bin"]


def test_bytes_of_every_kind_come_back(tmp_path: Path, tokenizer: Tokenizer) -> None:
    hostile = [b"nul \0 and \xff\xfe not utf-8", "\ufeff 🙂 é".encode(), b"<|endoftext|>", bytes(range(256))]
    documents = [Document("", content) for content in hostile]
    prepare(documents, tokenizer, tmp_path / "out", validation_fraction=0)
    shards = open_shards(tmp_path / "out", "train")
    ids = shards.tokens(0, shards.number_of_tokens)
    starts = [*np.flatnonzero(ids == tokenizer.end_of_text_id), len(ids)]
    parts = [tokenizer.decode_bytes(ids[a + 1 : b].tolist()) for a, b in itertools.pairwise(starts)]
    assert parts == hostile


def test_a_lone_document_is_cut_at_a_line_near_the_fraction(tmp_path: Path, tokenizer: Tokenizer) -> None:
    lines = [f"line {number}\n" for number in range(1000)]
    document = Document("a", "".join(lines).encode())
    data = prepare([document], tokenizer, tmp_path / "out", validation_fraction=0.1)
    assert data.split_rule == "position"
    text = {}
    for name in ("train", "validation"):
        shards = open_shards(tmp_path / "out", name)
        text[name] = tokenizer.decode(shards.tokens(1, shards.number_of_tokens - 1).tolist())
    assert text["train"] + text["validation"] == "".join(lines)
    assert text["validation"].startswith("line ")
    assert 0.09 < len(text["validation"]) / len(document.content) < 0.1


def test_the_end_of_every_document_is_held_out_where_positions_rule(tmp_path: Path, tokenizer: Tokenizer) -> None:
    documents = [Document(name, "".join(f"{name} {number}\n" for number in range(200)).encode()) for name in "ab"]
    words = {"validation_fraction": 0.1, "split_rule": "position"}
    data = prepare(documents, tokenizer, tmp_path / "out", **words)
    assert (data.split_rule, data.train.documents, data.validation.documents) == ("position", 2, 2)
    pieces = {}
    for name in ("train", "validation"):
        shards = open_shards(tmp_path / "out", name)
        ids = shards.tokens(0, shards.number_of_tokens)
        starts = [*np.flatnonzero(ids == tokenizer.end_of_text_id), len(ids)]
        pieces[name] = [tokenizer.decode_bytes(ids[a + 1 : b].tolist()) for a, b in itertools.pairwise(starts)]
    for document, seen, held_out in zip(documents, *pieces.values(), strict=True):
        assert seen + held_out == document.content
        assert 0.08 < len(held_out) / len(document.content) < 0.11
    assert prepare(documents, tokenizer, tmp_path / "out", **words) == data
    with pytest.raises(
        DataError, match=r"out was split by position, not by content\. Give the texts and options that it was made"
    ):
        prepare(documents, tokenizer, tmp_path / "out", validation_fraction=0.1, split_rule="content")
    assert prepare(documents, tokenizer, tmp_path / "out", validation_fraction=0.1) == data


def test_a_finished_lone_file_is_not_read_again(
    tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("a line\n" * 100)
    data = prepare(read_documents([tmp_path / "a.txt"]), tokenizer, tmp_path / "out")
    monkeypatch.setattr("gpt25.data.preparation.matching_preparation.ChunkCutter", None)
    for rule in ("content", "position"):
        assert prepare(read_documents([tmp_path / "a.txt"]), tokenizer, tmp_path / "out", split_rule=rule) == data


@pytest.mark.parametrize("count", [2, 6, 40, FEW_DOCUMENTS])
def test_of_few_documents_a_piece_of_each_is_held_out(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document], count: int
) -> None:
    few = documents[:count]
    data = prepare(few, tokenizer, tmp_path / "list")
    assert (data.split_rule, data.train.documents, data.validation.documents) == ("position", count, count)
    assert data.train.bytes + data.validation.bytes == sum(len(document.content) for document in few)
    for number, document in enumerate(few):
        (tmp_path / f"{number:03}.txt").write_bytes(document.content)
    lines = "".join(json.dumps({"text": document.content.decode()}) + "\n" for document in few)
    (tmp_path / "lines.jsonl").write_text(lines)
    for name, source in (
        ("iterator", iter(few)),
        ("folder", read_documents([f"{tmp_path}/*.txt"])),
        ("lines", read_documents([tmp_path / "lines.jsonl"])),
    ):
        assert prepare(source, tokenizer, tmp_path / name).validation.shards == data.validation.shards


def test_more_documents_are_split_by_content_wherever_they_come_from(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    many = documents[: FEW_DOCUMENTS + 1]
    data = prepare(many, tokenizer, tmp_path / "list")
    assert (data.split_rule, data.train.documents + data.validation.documents) == ("content", len(many))
    assert prepare(iter(many), tokenizer, tmp_path / "iterator").train.shards == data.train.shards


@pytest.mark.parametrize(
    ("fraction", "split", "other"), [(1e-9, "validation", "larger"), (1 - 1e-9, "train", "smaller")]
)
def test_a_split_without_text_is_an_error_and_its_advice_works_in_the_same_directory(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document], fraction: float, split: str, other: str
) -> None:
    for corpus in (documents[:6], documents):
        message = rf"no text is left for the {split} split: {len(corpus)} documents of .* Give a {other} one"
        with pytest.raises(DataError, match=message):
            prepare(corpus, tokenizer, tmp_path / "out", validation_fraction=fraction)
        assert contents(tmp_path / "out") == {}
    assert prepare(documents, tokenizer, tmp_path / "out", validation_fraction=0.5).validation.tokens
    whole = prepare(documents[:6], tokenizer, tmp_path / "all", validation_fraction=0)
    assert (whole.split_rule, whole.validation.tokens) == ("content", 0)


def test_a_directory_of_other_arguments_is_remade_where_that_is_asked_for(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    prepare(documents, tokenizer, tmp_path / "out")
    data = prepare(documents, tokenizer, tmp_path / "out", validation_fraction=0.3, remake=True)
    assert data.validation_fraction == 0.3
    prepare(documents, tokenizer, tmp_path / "fresh", validation_fraction=0.3)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_a_lone_document_without_lines_is_never_cut_inside_a_character(tmp_path: Path, tokenizer: Tokenizer) -> None:
    for length in range(20, 24):
        content = ("x" * length + "🙂" * 20).encode()
        directory = tmp_path / str(length)
        prepare([Document("a", content)], tokenizer, directory, validation_fraction=0.5)
        for name in ("train", "validation"):
            shards = open_shards(directory, name)
            tokenizer.decode_bytes(shards.tokens(1, shards.number_of_tokens - 1).tolist()).decode()


def test_two_documents_are_split_by_content_again(tmp_path: Path, tokenizer: Tokenizer) -> None:
    documents = [Document("a", b"4"), Document("b", b"0")]
    data = prepare(documents, tokenizer, tmp_path / "out", validation_fraction=0.3, split_rule="content")
    assert data.split_rule == "content"
    assert (data.train.bytes, data.validation.bytes) == (1, 1)


@pytest.mark.usefixtures("small_chunks")
def test_progress_adds_up_to_the_bytes_of_text(tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]) -> None:
    seen: list[int] = []
    prepare(documents, tokenizer, tmp_path / "out", number_of_processes=1, progress=seen.append)
    assert len(seen) > 3
    assert sum(seen) == sum(len(document.content) for document in documents)


@pytest.mark.usefixtures("small_chunks")
def test_documents_are_taken_one_by_one_as_chunks_are_done(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    taken, ahead, done = 0, [], 0

    def stream() -> Iterator[Document]:
        nonlocal taken
        for document in documents:
            taken += len(document.content)
            ahead.append(taken - done)
            yield document

    def progress(size: int) -> None:
        nonlocal done
        done += size

    prepare(stream(), tokenizer, tmp_path / "out", number_of_processes=1, progress=progress)
    assert taken > 60_000
    assert max(ahead) < 4 * 8192  # two chunks are looked at before the first is encoded


def test_a_finished_directory_is_returned_without_reading_the_text(
    tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("some text\n" * 100)
    first = prepare(read_documents([tmp_path / "a.txt"]), tokenizer, tmp_path / "out")
    before = contents(tmp_path / "out")
    reader = read_documents([tmp_path / "a.txt"])
    monkeypatch.setattr("gpt25.data.sources.segment.open_source_stream", None)  # reading would fail
    assert prepare(reader, tokenizer, tmp_path / "out") == first
    assert contents(tmp_path / "out") == before


def test_a_finished_directory_is_known_by_its_text_when_files_were_touched_or_moved(
    tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("some text\n" * 100)
    first = prepare(read_documents([tmp_path / "a.txt"]), tokenizer, tmp_path / "out")
    os.utime(tmp_path / "a.txt", (1, 1))
    monkeypatch.setattr("gpt25.data.preparation.segment_encoding.encode_chunks", None)  # encoding would fail
    assert prepare(read_documents([tmp_path / "a.txt"]), tokenizer, tmp_path / "out") == first
    (tmp_path / "a.txt").write_text("other text\n" * 100)
    with pytest.raises(DataError, match=r"was prepared from other text \(.*a\.txt\)\. Give the texts and options"):
        prepare(read_documents([tmp_path / "a.txt"]), tokenizer, tmp_path / "out")


def test_a_finished_directory_refuses_other_arguments_and_stays(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    prepare(documents, tokenizer, tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(
        DataError, match=rf"tokenizer {tokenizer.name} \({tokenizer.fingerprint}\), not with gpt2 \(0ab"
    ):
        prepare(documents, Tokenizer.gpt2(), tmp_path / "out")
    with pytest.raises(DataError, match=r"validation_fraction 0\.05, not 0\.1"):
        prepare(documents, tokenizer, tmp_path / "out", validation_fraction=0.1)
    with pytest.raises(DataError, match="tokens_per_shard 100000000, not 5000"):
        prepare(documents, tokenizer, tmp_path / "out", tokens_per_shard=5000)
    assert contents(tmp_path / "out") == before


def test_a_finished_directory_with_a_broken_shard_is_not_called_finished(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    prepare(documents, tokenizer, tmp_path / "out")
    with open(tmp_path / "out" / "train-000000.bin", "ab") as file:
        file.truncate(5000)
    with pytest.raises(DataError, match=r"train-000000\.bin.*cut short at byte 5,000"):
        prepare(documents, tokenizer, tmp_path / "out")


def test_an_empty_corpus_is_an_error_and_leaves_nothing(tmp_path: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(DataError, match="there is no text in the documents: nothing to prepare"):
        prepare([], tokenizer, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_corpus_of_which_all_is_skipped_names_its_sources(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"there is no text in .*a\.txt"):
        prepare(read_documents([tmp_path / "a.txt"], invalid_utf8="skip"), tokenizer, tmp_path / "out")


def test_values_that_cannot_be_are_refused_before_anything_is_written(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    def refused(message: str, **values: float) -> None:
        with pytest.raises(ConfigurationError, match=message):
            prepare(documents, tokenizer, tmp_path / "out", **values)  # type: ignore[arg-type]

    refused("validation_fraction must lie between 0 and 1, not 1.5", validation_fraction=1.5)
    refused("validation_fraction must lie between 0 and 1, not nan", validation_fraction=float("nan"))
    refused("tokens_per_shard must lie between 1 and 2,147,483,647, not 0", tokens_per_shard=0)
    refused("number_of_processes must be at least 1, not 0", number_of_processes=0)
    assert not (tmp_path / "out").exists()


def test_a_vocabulary_beyond_16_bits_is_refused(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tokenizer, "vocabulary_size", property(lambda self: 65_537))
    with pytest.raises(
        ConfigurationError, match=r"a vocabulary of 65,537 tokens does not fit .* the largest is 65,536"
    ):
        prepare(documents, tokenizer, tmp_path / "out")
    monkeypatch.setattr(Tokenizer, "vocabulary_size", property(lambda self: 65_536))
    assert prepare(documents, tokenizer, tmp_path / "out").vocabulary_size == 65_536


def test_shards_of_others_without_an_index_are_not_overwritten(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    (tmp_path / "train-000000.bin").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"already holds train-000000\.bin but no index\.json; choose another"):
        prepare(documents, tokenizer, tmp_path)
    assert contents(tmp_path) == {"train-000000.bin": b"mine"}


def test_a_directory_that_cannot_be_written_is_found_before_any_document_is_read(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    def stream() -> Iterator[Document]:
        raise AssertionError("read before the directory was tried")
        yield

    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=rf"cannot write in {tmp_path}/file/out: "):
        prepare(stream(), tokenizer, tmp_path / "file" / "out")


@pytest.mark.usefixtures("small_chunks")
def test_a_full_disk_keeps_finished_chunks_and_the_next_call_goes_on(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = prepare(documents, tokenizer, tmp_path / "reference", number_of_processes=1)
    written: list[int] = []
    full = OSError(errno.ENOSPC, "No space left on device")
    original = chunks_module.write_bytes

    def write_bytes(path: Path, content: bytes) -> None:
        if len(written) == 3:
            with monkeypatch.context() as patch:
                patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(full))
                original(path, content)
        written.append(len(content))
        original(path, content)

    monkeypatch.setattr(chunks_module, "write_bytes", write_bytes)
    with pytest.raises(DiskFullError, match=r"chunk-000003: No space left on device\. Free some space"):
        prepare(documents, tokenizer, tmp_path / "out", number_of_processes=1)
    names = [*(f".partial/chunk-00000{number}" for number in range(3)), ".partial/lock"]
    assert sorted(contents(tmp_path / "out")) == names

    monkeypatch.setattr(chunks_module, "write_bytes", original)
    kept = (tmp_path / "out" / ".partial" / "chunk-000001").stat().st_ino
    damaged = tmp_path / "out" / ".partial" / "chunk-000002"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\xff")  # its record still says what it was
    seen: list[int] = []

    def progress(size: int) -> None:
        if not seen:  # the chunk that was finished before is taken over, not written again
            assert (tmp_path / "out" / ".partial" / "chunk-000001").stat().st_ino == kept
        seen.append(size)

    prepare(documents, tokenizer, tmp_path / "out", number_of_processes=1, progress=progress)
    assert contents(tmp_path / "out") == contents(reference.directory)


def test_a_disk_that_fills_while_shards_are_written_is_told_too(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("gpt25.data.preparation.shard_writer.open", no_room, raising=False)
        with pytest.raises(DiskFullError, match=r"cannot write .*train-000000\.bin: No space left"):
            prepare(documents, tokenizer, tmp_path / "out")
    assert not (tmp_path / "out" / "index.json").exists()
    with pytest.raises(DataError, match=r"was not finished; run the same `gpt25 data prepare` again"):
        open_shards(tmp_path / "out", "train", tokenizer=tokenizer)
    assert prepare(documents, tokenizer, tmp_path / "out") == PreparedData.read(tmp_path / "out")


@pytest.mark.usefixtures("small_chunks")
def test_unfinished_work_with_other_arguments_or_damage_is_done_anew(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    def stop_after_three(_: int, calls: list[int] = []) -> None:  # noqa: B006 (counts the calls)
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(
            documents,
            tokenizer,
            tmp_path / "out",
            number_of_processes=1,
            validation_fraction=0.5,
            progress=stop_after_three,
        )
    partial = tmp_path / "out" / ".partial"
    assert len(list(partial.glob("chunk-*"))) == 3
    (partial / "chunk-000000").write_bytes(b"rubbish")
    (partial / "chunk-000900").write_bytes(b"of a longer corpus")
    prepare(documents, tokenizer, tmp_path / "out", number_of_processes=1, validation_fraction=0.1)
    prepare(documents, tokenizer, tmp_path / "reference", validation_fraction=0.1, number_of_processes=1)
    assert contents(tmp_path / "out") == contents(tmp_path / "reference")


def test_two_preparations_of_one_directory_do_not_meet(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    def meanwhile() -> Iterator[Document]:
        with pytest.raises(StorageError, match=r"out is in use by process \d+ on .*\. Wait for it, or choose another"):
            prepare(documents, tokenizer, tmp_path / "out")
        yield from documents

    data = prepare(meanwhile(), tokenizer, tmp_path / "out")
    assert data.train.documents + data.validation.documents == len(documents)
    assert not (tmp_path / "out" / ".partial").exists()


def test_a_preparation_that_fails_before_anything_is_encoded_leaves_nothing(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "no text"}\n')
    with pytest.raises(DataError, match="has no field 'text'"):
        prepare(read_documents([tmp_path / "a.jsonl"]), tokenizer, tmp_path / "new" / "out", number_of_processes=1)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_what_is_finished_is_told_as_done(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "a.txt").write_text("some text\n" * 100)
    documents = [Document(str(number), b"some text\n" * 50) for number in range(4)]
    for name, sources in (("files", read_documents([tmp_path / "a.txt"])), ("documents", documents)):
        told: list[list[int]] = [[], []]
        for each in told:
            prepare(sources, tokenizer, tmp_path / name, progress=each.append, number_of_processes=1)
        assert [sum(each) for each in told] == [1000 if name == "files" else 2000] * 2
