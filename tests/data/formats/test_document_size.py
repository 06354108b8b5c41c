"""No document takes more memory than it may: not unpacked, not as a line without an end, not as a cell of a table."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pyarrow
import pytest
import zstandard
from pyarrow import parquet

from gpt25.data import LARGEST_DOCUMENT_BYTES, DocumentReader, read_documents
from gpt25.data.formats.reading_settings import ReadingSettings
from gpt25.data.formats.source_stream import open_source_stream
from gpt25.data.sources.source_files import standard_library_files
from gpt25.errors import ConfigurationError, DataError
from gpt25.evaluation.sets.data_files import read_rows, read_text

MEBIBYTE = 1 << 20


def bomb(path: Path, *, mebibytes: int) -> Path:
    """So many of zeros, packed to almost nothing where the name asks for it."""
    compressor = zstandard.ZstdCompressor(level=19)
    with open(path, "wb") as file:
        if path.suffix == ".zst":
            with compressor.stream_writer(file) as writer:
                for _ in range(mebibytes):
                    writer.write(bytes(MEBIBYTE))
        elif path.suffix == ".gz":
            with gzip.GzipFile(fileobj=file, mode="wb") as writer:
                for _ in range(mebibytes):
                    writer.write(bytes(MEBIBYTE))
        else:
            file.write(b"x" * 8192)
            file.truncate(mebibytes * MEBIBYTE)
    return path


@pytest.mark.parametrize("name", ["a.txt.zst", "a.jsonl.zst", "a.txt.gz", "a.jsonl.gz", "a.txt", "a.json", "a.jsonl"])
def test_a_file_that_unpacks_to_very_much_is_refused_before_it_is_in_memory(tmp_path: Path, name: str) -> None:
    path = bomb(tmp_path / name, mebibytes=256)
    read = read_rows if ".json" in name else read_text
    tracemalloc.start()
    with pytest.raises(
        DataError, match=r"more than 4,194,304 bytes \(unpacked\).* allow more with --largest-document-b"
    ):
        list(read_documents([path], largest_document_bytes=4 * MEBIBYTE))
    with pytest.raises(
        DataError, match=r"more than 4,194,304 bytes \(unpacked\).* allow more with --largest-document-b"
    ):
        list(read(path, largest_bytes=4 * MEBIBYTE))
    assert tracemalloc.get_traced_memory()[1] < 80 * MEBIBYTE
    tracemalloc.stop()


def test_python_sources_are_documents_of_the_same_bound(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n" * 10)
    reader = DocumentReader(
        standard_library_files(tmp_path), sources=["x"], settings=ReadingSettings(largest_document_bytes=59)
    )
    with pytest.raises(DataError, match=r"a\.py is a document of more than 59 bytes"):
        list(reader)


def test_a_document_of_just_the_bound_is_read_and_one_more_byte_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 100)
    line = json.dumps({"text": "y"}) + "\n"
    (tmp_path / "b.jsonl").write_text(line * 3)
    table = pyarrow.table({"text": ["short", "z" * 100]})
    parquet.write_table(table, tmp_path / "c.parquet")
    found = [document.content for document in read_documents([tmp_path], largest_document_bytes=100)]
    assert found == [b"x" * 100, b"y", b"y", b"y", b"short", b"z" * 100]
    for name, message in (("a.txt", r"a\.txt is a doc"), ("c.parquet", r"c\.parquet, row 2, is a doc")):
        with pytest.raises(DataError, match=message):
            list(read_documents([tmp_path / name], largest_document_bytes=99))
    with pytest.raises(DataError, match=r"b\.jsonl, line 1, is a document of more than 13 bytes"):
        list(read_documents([tmp_path / "b.jsonl"], largest_document_bytes=len(line) - 1))


def test_a_frame_gives_its_bytes_in_pieces(tmp_path: Path) -> None:
    path = bomb(tmp_path / "a.zst", mebibytes=512)
    tracemalloc.start()
    with open_source_stream(path) as stream:
        assert stream.read(3) == bytes(3)
    assert tracemalloc.get_traced_memory()[1] < 80 * MEBIBYTE
    tracemalloc.stop()


def test_the_bound_is_a_positive_number_and_holds_enwik9() -> None:
    assert LARGEST_DOCUMENT_BYTES > 10**9
    with pytest.raises(ConfigurationError, match="largest_document_bytes is 0; it must be at least 1"):
        read_documents(["standard-library"], largest_document_bytes=0)
