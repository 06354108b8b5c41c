"""Every question about a path answers or raises StorageError in our words; nothing of Python's own comes through."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt25.errors import StorageError
from gpt25.storage import (
    entries,
    exists,
    is_directory,
    is_file,
    matching,
    require_no_way_out,
    require_regular_file,
    resolved,
)
from gpt25.storage.paths.path_questions import path_kind, path_status, what_is

QUESTIONS: tuple[Callable[[Path], object], ...] = (exists, is_file, is_directory, path_kind, path_status, what_is)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A directory with one of everything."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("file", "file", "a regular file"),
        ("link", "file", "a regular file"),
        ("directory", "directory", "a directory"),
        ("pipe", "special", "a pipe"),
        ("nowhere", None, "nothing"),
        ("absent", None, "nothing"),
        ("file/below", None, "nothing"),
    ],
)
def test_what_stands_there(odd: Path, name: str, kind: str | None, words: str) -> None:
    path = odd / name
    assert path_kind(path) == kind
    assert what_is(path) == words
    assert (exists(path), is_file(path), is_directory(path)) == (kind is not None, kind == "file", kind == "directory")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [("x" * 5_000, "File name too long"), ("a\0b", "null"), ("one", "Too many levels of symbolic links")],
)
def test_a_path_that_cannot_be_is_an_error_of_one_short_line(
    odd: Path, question: Callable[[Path], object], name: str, reason: str
) -> None:
    with pytest.raises(StorageError, match=rf"^cannot look at .*: .*{reason}") as raised:
        question(odd / name)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_directory_that_may_not_be_searched_is_named(
    tmp_path: Path, question: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: object, **options: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "stat", refused)
    with pytest.raises(StorageError, match="cannot look at .*secret: Permission denied"):
        question(tmp_path / "secret")


def test_entries_are_sorted_and_a_directory_that_cannot_be_listed_is_named(odd: Path) -> None:
    assert [path.name for path in entries(odd)] == ["directory", "file", "link", "nowhere", "one", "pipe", "two"]
    with pytest.raises(StorageError, match="cannot list .*file: Not a directory"):
        entries(odd / "file")
    assert [path.name for path in matching(odd, "*i*e")] == ["file", "pipe"]
    assert matching(odd / "absent", "*") == []
    assert matching(odd / "file", "*") == []


def test_a_deleted_working_directory_has_no_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(StorageError, match="cannot look at here: No such file"):
        resolved("here")
    assert not exists("here")
    monkeypatch.chdir(tmp_path)


def test_a_path_with_nul_has_no_absolute_path() -> None:
    with pytest.raises(StorageError, match="cannot look at .*null"):
        resolved("a\0b")


def test_what_is_no_regular_file_is_refused_with_its_kind(odd: Path) -> None:
    with pytest.raises(StorageError, match="pipe is a pipe, no regular file. Write it down."):
        require_regular_file(odd / "pipe", advice="Write it down.")
    with pytest.raises(StorageError, match="/dev/null is a device, no regular file"):
        require_regular_file("/dev/null", advice="")
    for name in ("file", "link", "directory", "absent"):
        require_regular_file(odd / name, advice="")


def test_a_link_out_of_a_directory_of_ours_is_refused(tmp_path: Path) -> None:
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    ours.mkdir()
    foreign.mkdir()
    (ours / "inside").mkdir()
    for name, target in {"out": foreign, "nowhere": foreign / "absent", "within": ours / "inside"}.items():
        (ours / name).symlink_to(target)
    for name in ("out", "nowhere"):
        with pytest.raises(StorageError, match=rf"{name} is a link that leads out of .*ours, and nothing is written"):
            require_no_way_out(ours / name, of=ours)
    for name in ("within", "inside", "absent"):
        require_no_way_out(ours / name, of=ours)
    (tmp_path / "alias").symlink_to(ours)  # the directory itself may be reached by a link
    require_no_way_out(tmp_path / "alias" / "within", of=tmp_path / "alias")
