"""A set of files is all new or all as before, whichever step fails and wherever the process dies."""

import errno
import itertools
import os
from pathlib import Path

import pytest
from faults import inject, kill_after, start

from gpt25.errors import DiskFullError, StorageError
from gpt25.storage import atomic_files, remove_leftovers, replace_directory

NAMES = ("a", "b", "c")
REWRITE = """
import itertools, os, sys
from gpt25.storage import atomic_files
os.chdir(sys.argv[2])
for generation in itertools.count():
    with atomic_files(sys.argv[1] + "/set") as together:
        for name in "abc":
            (together / name).write_text(f"{generation:08d}" * 1_000)
    if generation == 1: print("ready", flush=True)
"""


def write(directory: Path, content: str) -> None:
    with atomic_files(directory, superseded=("other",)) as together:
        for name in NAMES:
            (together / name).write_text(content)


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(directory.iterdir()) if path.is_file()}


def test_a_new_directory_is_made(tmp_path: Path) -> None:
    write(tmp_path / "set", "new")
    assert contents(tmp_path / "set") == dict.fromkeys(NAMES, "new")


@pytest.mark.parametrize("links", ["offered", "not offered"])
def test_what_else_lies_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: str) -> None:
    directory = tmp_path / "set"
    (directory / "below").mkdir(parents=True)
    for name, content in {"a": "old", "weights": "large", "other": "contradicts", "below/deep": "deep"}.items():
        (directory / name).write_text(content)
    (directory / "link").symlink_to("nowhere")
    os.mkfifo(directory / "pipe")
    (directory / "weights").chmod(0o444)
    directory.chmod(0o750)
    before = (directory / "weights").stat()
    if links == "not offered":
        (directory / "pipe").unlink()  # which only a link can take along

        def refused(*words: object, **options: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)
    write(directory, "new")
    assert contents(directory) == {**dict.fromkeys(NAMES, "new"), "weights": "large"}
    assert (directory / "below" / "deep").read_text() == "deep"
    assert (directory / "link").readlink() == Path("nowhere")
    assert directory.stat().st_mode & 0o777 == 0o750
    after = (directory / "weights").stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert (after.st_ino == before.st_ino) == (links == "offered")
    assert list(tmp_path.iterdir()) == [directory]


@pytest.mark.parametrize("place", ["elsewhere", "the working directory"])
def test_all_old_all_new_or_not_there_whichever_step_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    directory = tmp_path / "set"
    whole = [dict.fromkeys(NAMES, "old"), dict.fromkeys(NAMES, "new")]
    failures = 0
    for number in itertools.count(1):
        write(directory, "old")
        with monkeypatch.context() as patch:
            if place == "the working directory":
                patch.chdir(directory)
            calls = inject(patch, number, errno.ENOSPC)
            failed = False
            try:
                write(directory, "new")
            except StorageError:
                failed = True
        found = contents(directory)
        if place == "elsewhere":
            assert found in whole
        else:  # there each file takes its name by itself: never a mixture, but a failure there can leave some missing
            assert len(set(found.values())) <= 1
        remove_leftovers(tmp_path)
        remove_leftovers(directory)
        if calls[0] < number:
            assert not failed
            break
        failures += 1
    assert failures >= 5


def test_a_full_disk_changes_nothing_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*NAMES, "other"):
        (tmp_path / name).write_text("old")

    def full() -> None:
        with atomic_files(".") as together:
            (together / "a").write_text("new")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError):
        full()
    assert contents(tmp_path) == dict.fromkeys((*NAMES, "other"), "old")
    write(Path(), "new")
    assert contents(tmp_path) == dict.fromkeys(NAMES, "new")
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize("exchange", ["as the system can", "not offered"])
def test_the_directory_behind_a_link_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: str
) -> None:
    if exchange == "not offered":
        monkeypatch.setattr(replace_directory, "_exchange", lambda first, second: False)
    write(tmp_path / "set", "old")
    (tmp_path / "link").symlink_to("set")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "set") == dict.fromkeys(NAMES, "new")


def test_a_file_in_the_directorys_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("mine")
    with pytest.raises(StorageError, match="a file stands there"):
        write(tmp_path / "set", "new")
    assert (tmp_path / "set").read_text() == "mine"


@pytest.mark.parametrize("place", ["elsewhere", "the working directory"])
def test_kill_9_leaves_no_mixture(tmp_path: Path, place: str) -> None:
    directory = tmp_path / "set"
    (tmp_path / "elsewhere").mkdir()
    write(directory, "old")
    for milliseconds in (0, 1, 3, 7, 13, 29):
        where = tmp_path / "elsewhere" if place == "elsewhere" else directory
        kill_after(start(REWRITE, str(tmp_path), str(where)), milliseconds)
        remove_leftovers(directory)  # hidden ones, among them the empty file that proves that one can write here
        found = contents(directory)
        assert len({content[:8] for content in found.values()}) <= 1
        assert len(found) == 3 or place == "the working directory"
