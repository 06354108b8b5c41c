"""What a resumed preparation neither fetches nor reads again."""

import json
from pathlib import Path

import pytest

from gpt25.data import PreparedData, prepare, read_documents
from gpt25.data.preparation import chunks as chunks_module
from gpt25.data.sources import document_reader as reader_module
from gpt25.data.sources import segment as segment_module
from gpt25.tokenizer import Tokenizer


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five files, each a segment by itself, of several chunks but for the empty third."""
    monkeypatch.setattr(reader_module, "SEGMENT_BYTES", 1)
    monkeypatch.setattr(chunks_module, "CHUNK_BYTES", 2000)
    (tmp_path / "in").mkdir()
    for number in range(5):
        rows = [{"text": f"file {number}, line {line}. " * 9} for line in range(0 if number == 2 else 60)]
        (tmp_path / "in" / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "\n")
    return tmp_path / "in"


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    original = segment_module.open_source_stream

    def open_source_stream(path: Path) -> object:
        names.append(path.name)
        return original(path)

    monkeypatch.setattr(segment_module, "open_source_stream", open_source_stream)
    return names


def stop_after(count: int):
    calls: list[int] = []

    def progress(size: int) -> None:
        calls.append(size)
        if len(calls) == count:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("processes", [1, 2])
def test_finished_files_are_not_read_again_and_progress_counts_them(
    tmp_path: Path, tokenizer: Tokenizer, sources: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    reference = prepare(read_documents([sources]), tokenizer, tmp_path / "reference", number_of_processes=1)
    out, reader = tmp_path / "out", read_documents([sources])
    with pytest.raises(KeyboardInterrupt):
        prepare(reader, tokenizer, out, number_of_processes=processes, progress=stop_after(15))
    finished = sorted(path.name for path in (out / ".partial").glob("segment-*"))
    assert finished == ["segment-000000.json", "segment-000001.json", "segment-000002.json"]
    names, done = opened(monkeypatch), []
    data = prepare(read_documents([sources]), tokenizer, out, number_of_processes=processes, progress=done.append)
    assert names == ["3.jsonl", "4.jsonl"]
    assert reader.source_bytes - 5 <= sum(done) <= reader.source_bytes  # five blank lines
    assert data.content_sha256 == reference.content_sha256
    assert (data.train, data.validation, data.counts) == (reference.train, reference.validation, reference.counts)
    assert not (out / ".partial").exists()


def test_a_damaged_chunk_a_damaged_record_or_a_touched_file_are_read_again(
    tmp_path: Path, tokenizer: Tokenizer, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = prepare(read_documents([sources]), tokenizer, tmp_path / "reference", number_of_processes=1)
    names = opened(monkeypatch)

    def again(out: Path) -> list[str]:
        names.clear()
        data = prepare(read_documents([sources]), tokenizer, out, number_of_processes=1)
        assert (data.train, data.validation) == (reference.train, reference.validation)
        return names[:2]

    def begin(name: str) -> Path:
        with pytest.raises(KeyboardInterrupt):
            prepare(
                read_documents([sources]),
                tokenizer,
                tmp_path / name,
                number_of_processes=1,
                progress=stop_after(20),
            )
        return tmp_path / name

    out = begin("chunk")
    chunk = out / ".partial" / "chunk-000001"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"\xff")
    assert again(out) == ["0.jsonl", "1.jsonl"]
    out = begin("record")
    (out / ".partial" / "segment-000001.json").write_text("{}")
    assert again(out) == ["1.jsonl", "2.jsonl"]
    out = begin("torn")
    (out / ".partial" / "segment-000001.json").write_bytes(b"\xff{")
    assert again(out) == ["1.jsonl", "2.jsonl"]
    out = begin("touched")
    (sources / "1.jsonl").write_text((sources / "1.jsonl").read_text())
    assert again(out) == ["1.jsonl", "2.jsonl"]


def test_a_finished_set_of_several_files_is_known_by_its_text(
    tmp_path: Path, tokenizer: Tokenizer, sources: Path
) -> None:
    data = prepare(read_documents([sources]), tokenizer, tmp_path / "out")
    (sources / "1.jsonl").write_text((sources / "1.jsonl").read_text())
    assert prepare(read_documents([sources]), tokenizer, tmp_path / "out") == data == PreparedData.read(data.directory)
