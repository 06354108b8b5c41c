import gzip
import json
import sys
from pathlib import Path

import pytest
import zstandard

from gpt25.errors import DataError, MissingExtraError
from gpt25.evaluation.sets.data_files import kind_of, read_rows, read_text

ROWS = [{"text": "one"}, {"text": "two\n"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def write(path: Path, content: bytes) -> Path:
    packed = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}.get(path.suffix)
    path.write_bytes(packed(content) if packed else content)
    return path


@pytest.mark.parametrize("name", ["set.jsonl", "set.json", "set.ndjson", "set.jsonl.gz", "set.jsonl.zst", "SET.JSONL"])
def test_json_lines_are_rows(tmp_path: Path, name: str) -> None:
    assert list(read_rows(write(tmp_path / name, LINES + b"\n"))) == ROWS
    assert read_text(tmp_path / name) == "one\ntwo\n"


def test_one_json_list_is_rows_too(tmp_path: Path) -> None:
    assert list(read_rows(write(tmp_path / "set.json", json.dumps(ROWS).encode()))) == ROWS


@pytest.mark.parametrize("name", ["set.txt", "wiki.test.raw", "wiki.test.raw.gz", "set"])
def test_text_is_read_as_it_is_and_its_lines_are_rows(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, b" one \n\ntwo")
    assert read_text(path) == " one \n\ntwo"
    assert list(read_rows(path)) == [{"text": " one "}, {"text": ""}, {"text": "two"}]


def test_kinds_are_seen_behind_compression() -> None:
    assert [kind_of(Path(name)) for name in ("a.jsonl.gz", "b.PARQUET", "wiki.test.raw.zst", "c")] == [
        ".jsonl",
        ".parquet",
        ".raw",
        "",
    ]


def test_parquet_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="needs the package pyarrow; install it with: pip install 'gpt25"):
        list(read_rows(tmp_path / "set.parquet"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("set.jsonl", b'{"text": "one"}\n{"text"', "set.jsonl, line 2 is not JSON"),
        ("set.jsonl", b"[1]", "set.jsonl, entry 1 holds int, expected an object"),
        ("set.jsonl", b'"one"', "set.jsonl, line 1 holds str, expected an object"),
        ("set.json", b"[{", "set.json is not JSON"),
    ],
)
def test_damaged_rows_are_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_rows(write(tmp_path / name, content)))


def test_damaged_texts_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set.txt is no UTF-8 at byte 1 \(0xff\); convert it first"):
        read_text(write(tmp_path / "set.txt", b"a\xff"))
    whole = write(tmp_path / "set.txt.gz", b"text " * 1000).read_bytes()
    (tmp_path / "cut.txt.gz").write_bytes(whole[:-10])
    with pytest.raises(DataError, match="cut.txt.gz is damaged or cut short"):
        read_text(tmp_path / "cut.txt.gz")
    with pytest.raises(DataError, match="cannot read .*absent.txt: No such file"):
        read_text(tmp_path / "absent.txt")
    with pytest.raises(DataError, match="row 1 has none of the fields text, sentence, page, content; its"):
        read_text(write(tmp_path / "set.jsonl", b'{"words": "one"}'))
