"""Devices and pipes are written into or refused, and are afterwards what they were before."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import gpt25
from gpt25.errors import DiskFullError, StorageError
from gpt25.storage import atomic_file, require_output_file, write_bytes, write_json
from gpt25.storage.paths import special_file as special_file_module

TO_A_STREAM = """
import sys
from gpt25.storage import require_output_file, write_text
print("before")
require_output_file(sys.argv[1], special="written into")
write_text(sys.argv[1], "content\\n")
print("after")
"""


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def read_in_background(path: Path, into: list[bytes]) -> threading.Thread:
    thread = threading.Thread(target=lambda: into.append(path.read_bytes()))
    thread.start()
    return thread


def test_a_pipe_is_written_into_and_stays_a_pipe(pipe: Path) -> None:
    require_output_file(pipe, special="written into")
    read: list[bytes] = []
    reader = read_in_background(pipe, read)
    content = b"x" * 300_000  # more than a pipe holds at once
    write_bytes(pipe, content)
    reader.join(timeout=20)
    assert read == [content]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [entry.name for entry in pipe.parent.iterdir()] == ["pipe"]


def test_a_pipe_that_nobody_reads_is_given_up(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(special_file_module, "SECONDS_FOR_A_READER", 0.1)
    with pytest.raises(StorageError, match="cannot write into .*pipe: nobody reads from it; start its reader first"):
        write_json(pipe, {})
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_is_written_into_and_stays_a_device() -> None:
    before = os.stat("/dev/null")
    write_bytes("/dev/null", b"content")
    after = os.stat("/dev/null")
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_rdev) == (before.st_ino, before.st_rdev)


def test_a_device_without_room_says_so() -> None:
    with pytest.raises(DiskFullError, match="cannot write into /dev/full: No space left on device"):
        write_bytes("/dev/full", b"content")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("into", ["a pipe", "a file"])
def test_standard_output_by_name_gets_the_content_in_its_place(tmp_path: Path, name: str, into: str) -> None:
    """Where it is redirected to a file, opening the name anew would overwrite what stands there."""
    environment = {**os.environ, "PYTHONPATH": str(Path(gpt25.__file__).parents[1])}
    output = tmp_path / "output"
    with open(output, "wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", TO_A_STREAM, name],
            stdout=file if into == "a file" else subprocess.PIPE,
            env=environment,
            timeout=60,
        )
    assert done.returncode == 0
    assert (output.read_bytes() if into == "a file" else done.stdout) == b"before\ncontent\nafter\n"


def test_what_must_be_a_whole_file_replaces_no_device_and_no_pipe(pipe: Path) -> None:
    for path in (pipe, Path("/dev/null")):
        with pytest.raises(StorageError, match="which no file replaces"), atomic_file(path):
            pytest.fail("the block must not run")
        with pytest.raises(StorageError, match="and is not replaced by a file. Name a regular file"):
            require_output_file(path, overwrite=True)
        require_output_file(path, special="written into")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(("mode", "kind"), [(stat.S_IFBLK, "a device"), (stat.S_IFSOCK, "a socket")])
def test_a_disk_and_a_socket_are_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, kind: str
) -> None:
    path = tmp_path / "odd"
    path.touch()
    real = os.stat

    def pretending(asked: object, **options: object) -> os.stat_result:
        found = real(asked, **options)  # type: ignore[call-overload]
        return os.stat_result((mode | 0o600, *found[1:])) if str(asked) == str(path) else found

    monkeypatch.setattr(os, "stat", pretending)
    for attempt in (
        lambda: write_bytes(path, b"content"),
        lambda: require_output_file(path, special="written into", overwrite=True),
    ):
        with pytest.raises(StorageError, match=f"odd is {kind} that cannot be written like a file"):
            attempt()
    monkeypatch.undo()
    assert path.read_bytes() == b""
