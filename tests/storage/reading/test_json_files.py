"""JSON and TOML within bounds of size, depth and numbers."""

import os
import time
from pathlib import Path

import pytest

from gpt25.errors import CorruptFileError, StorageError
from gpt25.storage import read_json, read_json_lines, read_object, read_toml
from gpt25.storage.reading.bounded_file import LARGEST_METADATA_BYTES, read_bounded


def file_of(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[1, {", "is not JSON: "),
        (b"\xff", "is not JSON: "),
        (b"[" * 100_000, "is not JSON: its objects and lists stand too deep"),
        (b"[" * 66 + b"]" * 66, "its objects and lists stand too deep in one another; at most 64 are read"),
        (b"9" * 4301, "is not JSON: a whole number has more than 4,300 digits"),
        (b'{"a": [0, {"b": ' + b"9" * 400 + b"}]}", r"a\[1\]\.b is 9+…; it must be a finite number"),
        (b'{"a": NaN}', "a is nan; it must be a finite number"),
        (b"[1, -Infinity]", r"\[1\] is -inf; it must be a finite number"),
        (b"1e999", "it is inf; it must be a finite number"),
    ],
)
def test_json_beyond_its_bounds_is_refused_with_its_field(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(CorruptFileError, match=message):
        read_json(file_of(tmp_path / "a.json", content))
    with pytest.raises(CorruptFileError, match=message):
        read_json_lines(file_of(tmp_path / "a.jsonl", content + b"\n"))


def test_json_within_its_bounds_is_read_as_it_is(tmp_path: Path) -> None:
    assert read_json(file_of(tmp_path / "a", b'\xef\xbb\xbf{"a": "\\ud800", "b": [1e308, ' + b"9" * 300 + b"]}")) == {
        "a": "\ud800",
        "b": [1e308, int("9" * 300)],
    }
    with pytest.raises(CorruptFileError, match="a holds a list, not an object"):
        read_object(file_of(tmp_path / "a", b"[]"))


def test_a_sparse_file_of_thirty_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with open(path, "wb") as file:
        file.truncate(30 << 30)
    begun = time.monotonic()
    for read in (read_json, read_json_lines, read_toml):
        with pytest.raises(
            CorruptFileError, match=r"a\.json has 32,212,254,720 bytes or more; at most [\d,]+ are read"
        ):
            read(path)
    assert time.monotonic() - begun < 5


def test_a_pipe_is_refused_and_a_file_read_up_to_the_bound(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match=r"pipe is a (pipe|FIFO|named pipe)"):
        read_bounded(tmp_path / "pipe", largest_bytes=10)
    with pytest.raises(CorruptFileError, match="has 11 bytes or more; at most 10 are read"):
        read_bounded(file_of(tmp_path / "b", b"x" * 11), largest_bytes=10)
    assert read_bounded(file_of(tmp_path / "a", b"x" * 10), largest_bytes=10) == b"x" * 10
    assert LARGEST_METADATA_BYTES == 64 << 20


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*absent: No such file"):
        read_json(tmp_path / "absent")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = ", "is not TOML: "),
        (b"a = 2020-13-01", "is not TOML: "),
        (b"a = " + b"[" * 5000, "is not TOML that can be read: its objects and lists stand too deep"),
        (b"a." * 200_000 + b"b = 1", "a line has more than 100 dots outside of quotes"),
        (b"a = " + b"9" * 400, "a is 9+…; it must be a finite number"),
        (b"[a]\nb = nan", "a.b is nan; it must be a finite number"),
    ],
)
def test_toml_beyond_its_bounds_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(CorruptFileError, match=message):
        read_toml(file_of(tmp_path / "a.toml", content))


def test_dots_in_quotes_are_no_names(tmp_path: Path) -> None:
    content = "texts = [" + ", ".join(f'"{n}.txt"' for n in range(200)) + "]"
    assert len(read_toml(file_of(tmp_path / "a.toml", content.encode()))["texts"]) == 200
