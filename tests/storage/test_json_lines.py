"""JSON lines: a torn last line is dropped, never turned into a broken one in the middle."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt25.errors import CorruptFileError, StorageError
from gpt25.storage import append_json_line, read_json, read_json_lines, write_json_lines


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    assert read_json_lines(path) == []
    for update in range(3):
        append_json_line(path, {"update": update, "text": "a\nb\u2028🦜"})
    assert [row["update"] for row in read_json_lines(path)] == [0, 1, 2]
    assert path.read_bytes().count(b"\n") == 3
    write_json_lines(path, read_json_lines(path)[:1])
    assert read_json_lines(path) == [{"update": 0, "text": "a\nb\u2028🦜"}]


def test_a_file_torn_at_any_byte_gives_its_whole_lines_and_takes_more(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    whole = b'{"update": 1}\n' + '{"update": 2, "text": "é"}\n'.encode()
    first_line = whole.index(b"\n") + 1
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        updates = [row["update"] for row in read_json_lines(path)]
        # A line that lacks nothing but its newline is whole.
        assert updates == [1, 2][: (length >= first_line - 1) + (length >= len(whole) - 1)]
        append_json_line(path, {"update": 3})
        assert [row["update"] for row in read_json_lines(path)] == [*updates, 3]


def test_a_long_torn_line_is_dropped_before_appending(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'{"update": 1}\n{"text": "' + b"x" * 200_000)
    append_json_line(path, {"update": 2})
    assert path.read_bytes() == b'{"update": 1}\n{"update": 2}\n'


def test_a_last_line_of_zeros_from_a_power_cut_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'{"update": 1}\n' + bytes(4096))
    assert read_json_lines(path) == [{"update": 1}]


@pytest.mark.parametrize("broken", [b"{torn", b"\xff\xfe", b"[" * 100_000])
def test_a_broken_line_in_the_middle_is_named(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'{"update": 1}\n' + broken + b'\n{"update": 3}\n')
    with pytest.raises(CorruptFileError, match="rows, line 2 is not JSON"):
        read_json_lines(path)


def test_nothing_is_appended_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "rows").symlink_to("mine")
    with pytest.raises(StorageError, match="rows: it is a link, and nothing is written through it"):
        append_json_line(tmp_path / "rows", {"update": 1})
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize("read", [read_json, read_json_lines])
def test_a_pipe_is_not_waited_for(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="pipe is a pipe, no regular file"):
        read(tmp_path / "pipe")


def test_a_path_that_is_no_file_is_an_error(tmp_path: Path) -> None:
    for read in (read_json_lines, read_json):
        with pytest.raises(StorageError, match=f"cannot read {tmp_path}"):
            read(tmp_path)
    with pytest.raises(StorageError, match=f"cannot append to {tmp_path}"):
        append_json_line(tmp_path, {})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_is_not_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "value.json").write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"value\.json is not JSON"):
        read_json(tmp_path / "value.json")
