"""Atomic writes under injected faults: what was there before or what was meant to be there, and nothing beside it."""

import errno
import itertools
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults import inject

from gpt25.errors import DiskFullError, StorageError
from gpt25.storage import (
    append_json_line,
    atomic_directory,
    atomic_file,
    read_json,
    remove_leftovers,
    replace_directory,
    require_writable_directory,
    write_bytes,
    write_json,
    write_text,
)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_file_is_old_or_new_whichever_step_fails(tmp_path: Path, code: int) -> None:
    path = tmp_path / "file"
    failures = 0
    for number in itertools.count(1):
        path.write_bytes(b"old")
        with pytest.MonkeyPatch.context() as patch:
            calls = inject(patch, number, code)
            problem = None
            try:
                write_bytes(path, b"new content")
            except StorageError as caught:
                problem = caught
        assert path.read_bytes() in (b"old", b"new content")
        assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
        if calls[0] < number:
            assert problem is None
            assert path.read_bytes() == b"new content"
            break
        assert isinstance(problem, DiskFullError if code == errno.ENOSPC else StorageError)
        assert f"cannot write {path}: {os.strerror(code)}" in str(problem)
        failures += 1
    assert failures >= 5  # open, write, fsync, replace, and the directory's own fsync


@pytest.mark.parametrize("exchange", ["as the system can", "not offered"])
def test_a_directory_is_old_or_new_whichever_step_fails(tmp_path: Path, exchange: str) -> None:
    path = tmp_path / "directory"
    failures = 0
    for number in itertools.count(1):
        with atomic_directory(path) as temporary:
            (temporary / "old").write_text("old")
        with pytest.MonkeyPatch.context() as patch:
            if exchange == "not offered":
                patch.setattr(replace_directory, "_exchange", lambda first, second: False)
            calls = inject(patch, number, errno.ENOSPC)
            try:
                with atomic_directory(path) as temporary:
                    Path(temporary / "inner").mkdir()
                    os.close(os.open(temporary / "inner" / "new", os.O_CREAT | os.O_WRONLY))
                failed = False
            except DiskFullError:
                failed = True
        names = sorted(str(entry.relative_to(path)) for entry in path.rglob("*"))
        assert names in (["old"], ["inner", "inner/new"])
        remove_leftovers(tmp_path)  # where the failing step was the removal itself, there is one
        assert list(tmp_path.iterdir()) == [path]
        if calls[0] < number:
            assert not failed
            break
        failures += 1
    assert failures >= 8


def test_an_exception_in_the_block_leaves_the_old_directory_and_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    with atomic_directory(path) as temporary:
        (temporary / "old").touch()

    def interrupted() -> None:
        with atomic_directory(path) as temporary:
            (temporary / "new").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [entry.name for entry in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_between_write_and_rename_leaves_no_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_replaced_is_there_at_every_moment(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    with atomic_directory(path) as temporary:
        (temporary / "file").touch()
    stop = threading.Event()
    absences = 0

    def look() -> None:
        nonlocal absences
        while not stop.is_set():
            absences += not path.exists()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(20):
            with atomic_directory(path) as temporary:
                (temporary / "file").touch()
    finally:
        stop.set()
        thread.join()
    # Elsewhere the names cannot be exchanged in one step, and a reader may come between two.
    assert absences == 0 or sys.platform != "linux"


def test_a_link_stays_and_the_directory_behind_it_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "large-disk" / "target"
    target.mkdir(parents=True)
    (target / "old").touch()
    link = tmp_path / "link"
    link.symlink_to(target)
    with atomic_directory(link) as temporary:
        (temporary / "new").touch()
    assert link.is_symlink()
    assert [entry.name for entry in target.iterdir()] == ["new"]
    assert list(target.parent.iterdir()) == [target]


def test_a_file_in_a_directorys_place_is_refused_before_the_work(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.write_text("mine")
    with pytest.raises(StorageError, match=r"taken: a file stands there\. Move it away"), atomic_directory(path):
        pytest.fail("the block ran")
    assert path.read_text() == "mine"


def test_a_file_written_in_a_block_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def write_half() -> None:
        with atomic_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("mid-way")

    with pytest.raises(RuntimeError, match="mid-way"):
        write_half()
    assert list(tmp_path.iterdir()) == []
    with atomic_file(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    with pytest.raises(DiskFullError, match=f"cannot write {path}: .*Free some space"), atomic_file(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "whole"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_directory_in_a_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"cannot write {tmp_path}"):
        write_bytes(tmp_path, b"x")
    assert list(tmp_path.iterdir()) == []


def test_disk_full_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inject(monkeypatch, 1, errno.EDQUOT)
    with pytest.raises(DiskFullError, match=r"Free some space; nothing that was there before has been changed\."):
        write_bytes(tmp_path / "file", b"x")


def test_leftovers_are_removed_and_everything_else_stays(tmp_path: Path) -> None:
    (tmp_path / ".file.gpt25-temporary-1-00000000").touch()
    (tmp_path / ".update-000500.gpt25-temporary-1-00000000").mkdir()
    (tmp_path / ".update-000500.gpt25-temporary-1-00000000" / "half").touch()
    (tmp_path / "update-000400").mkdir()
    (tmp_path / ".hidden").touch()
    removed = remove_leftovers(tmp_path)
    assert [path.name for path in removed] == [
        ".file.gpt25-temporary-1-00000000",
        ".update-000500.gpt25-temporary-1-00000000",
    ]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".hidden", "update-000400"]
    assert remove_leftovers(tmp_path / "absent") == []


def test_a_directory_that_stepped_aside_gets_its_name_back(tmp_path: Path) -> None:
    """A process died between the two renames, on a system that cannot exchange names."""
    aside = tmp_path / ".model.gpt25-replaced-1-00000000"
    aside.mkdir()
    (aside / "weights").write_text("old")
    (tmp_path / ".model.gpt25-temporary-1-00000000").mkdir()
    assert [path.name for path in remove_leftovers(tmp_path)] == [".model.gpt25-temporary-1-00000000"]
    assert (tmp_path / "model" / "weights").read_text() == "old"


def test_a_directory_that_was_succeeded_is_removed(tmp_path: Path) -> None:
    aside = tmp_path / ".model.gpt25-replaced-1-00000000"
    aside.mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("new")
    assert remove_leftovers(tmp_path) == [aside]
    assert (tmp_path / "model" / "weights").read_text() == "new"
    assert not aside.exists()


def test_a_leftover_that_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".file.gpt25-temporary-1-00000000").touch()

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(
        StorageError, match=f"cannot remove what a stopped process left in {tmp_path}: Permission denied"
    ):
        remove_leftovers(tmp_path)


def test_a_directory_proves_writable_and_is_left_empty(tmp_path: Path) -> None:
    assert require_writable_directory(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_directory_that_cannot_be_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot write in .*file/run: .*\. Choose another directory or change its"):
        require_writable_directory(tmp_path / "file" / "run")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Path.touch, "a regular file"),
        (os.mkfifo, "a pipe"),
        (lambda path: path.symlink_to("/dev/null"), "a device"),
        (lambda path: path.symlink_to("nowhere"), "a link to nothing"),
    ],
)
def test_what_stands_in_a_directorys_place_is_called_by_its_kind(
    make: Callable[[Path], None], kind: str, tmp_path: Path
) -> None:
    make(tmp_path / "run")
    with pytest.raises(StorageError, match=f"cannot write in .*run: it is {kind}, and no directory"):
        require_writable_directory(tmp_path / "run")
    assert os.listdir(tmp_path) == ["run"]


def test_json_keeps_readable_characters_and_escapes_lone_surrogates(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"text": "naïve 🦜"})
    assert path.read_text(encoding="utf-8") == '{\n  "text": "naïve 🦜"\n}\n'
    write_json(path, {"text": "torn \udcff"})
    assert path.read_bytes().isascii()
    assert read_json(path) == {"text": "torn \udcff"}


def test_text_is_written_as_utf_8_with_line_endings_as_given(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "é\r\n\udcff\n")
    assert (tmp_path / "text").read_bytes() == "é\r\n?\n".encode()


def test_appending_to_a_full_disk_is_an_error_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    append_json_line(path, {"update": 1})
    before = path.read_bytes()
    real_write = os.write

    def half_then_full(descriptor: int, content: Any) -> int:
        if len(content) > 4:
            return real_write(descriptor, bytes(content)[:-4])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(DiskFullError, match=f"cannot append to {path}"):
        append_json_line(path, {"update": 2})
    assert path.read_bytes() == before
