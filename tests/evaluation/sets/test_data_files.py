import gzip
import json
import re
import sys
from pathlib import Path

import pyarrow
import pytest
import zstandard
from pyarrow import parquet

from gpt25.errors import DataError, MissingExtraError
from gpt25.evaluation.sets.data_files import kind_of, read_rows, read_text
from gpt25.installation import install_command

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
    assert list(read_rows(path)) == [{"text": " one "}, {"text": "two"}]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-32-be"])
def test_a_mark_chooses_the_encoding_and_is_no_text(tmp_path: Path, codec: str) -> None:
    for name, text in (("set.txt", "one\r\n\r\ntwo\r\n"), ("a.jsonl", LINES.decode()), ("b.json", json.dumps(ROWS))):
        rows = list(read_rows(write(tmp_path / name, ("\ufeff" + text).encode(codec))))
        assert [row["text"].strip() for row in rows] == ["one", "two"]
    assert read_text(tmp_path / "set.txt") == "one\r\n\r\ntwo\r\n"


def test_nothing_but_a_line_break_ends_a_row(tmp_path: Path) -> None:
    texts = ["a\u2028b", "c\x85d", "e\x0bf", "g\x1ch"]
    path = write(tmp_path / "set.txt", "\r".join(texts).encode())
    assert [row["text"] for row in read_rows(path)] == texts
    lines = "\r\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)
    assert [row["text"] for row in read_rows(write(tmp_path / "set.jsonl", lines.encode()))] == texts


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    parquet.write_table(pyarrow.table([["x"], ["y"]], names=["text", "text"]), path)
    with pytest.raises(DataError, match=r"set\.parquet has several columns 'text'"):
        list(read_rows(path))


def test_kinds_are_seen_behind_compression() -> None:
    assert [kind_of(Path(name)) for name in ("a.jsonl.gz", "b.PARQUET", "wiki.test.raw.zst", "c")] == [
        ".jsonl",
        ".parquet",
        ".raw",
        "",
    ]


def test_parquet_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        MissingExtraError, match=re.escape(f"needs the package pyarrow; install it with: {install_command('data')}")
    ):
        list(read_rows(tmp_path / "set.parquet"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("set.jsonl", b'{"text": "one"}\n{"text"', "set.jsonl, line 2 is not JSON"),
        ("set.jsonl", b"[1]", "set.jsonl, entry 1 holds a number, expected an object"),
        ("set.jsonl", b'"one"', "set.jsonl, line 1 holds a text, expected an object"),
        ("set.json", b"[{", "set.json is not JSON"),
    ],
)
def test_damaged_rows_are_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_rows(write(tmp_path / name, content)))


def test_damaged_texts_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set.txt: byte 1 \(0xff\) is not UTF-8: .* convert it"):
        read_text(write(tmp_path / "set.txt", b"a\xff"))
    whole = write(tmp_path / "set.txt.gz", b"text " * 1000).read_bytes()
    (tmp_path / "cut.txt.gz").write_bytes(whole[:-10])
    with pytest.raises(DataError, match="cut.txt.gz is damaged or cut short"):
        read_text(tmp_path / "cut.txt.gz")
    with pytest.raises(DataError, match="cannot read .*absent.txt: No such file"):
        read_text(tmp_path / "absent.txt")
    with pytest.raises(DataError, match="row 1 has none of the fields text, sentence, page, content; its"):
        read_text(write(tmp_path / "set.jsonl", b'{"words": "one"}'))
