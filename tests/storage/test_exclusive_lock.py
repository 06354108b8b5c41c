import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import gpt25
from gpt25.errors import DiskFullError, StorageError
from gpt25.storage import exclusive_lock

HOLD = """
import sys, time
from gpt25.storage import exclusive_lock
with exclusive_lock(sys.argv[1], of="it", advice=""):
    print("held", flush=True)
    time.sleep(1000)
"""


def lock(path: Path) -> None:
    with exclusive_lock(path, of="the run", advice="Wait for it."):
        pass


def test_a_second_holder_is_told_who_the_first_one_is(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with exclusive_lock(path, of="the run", advice="Wait for it."):
        with pytest.raises(StorageError) as caught:
            lock(path)
        # The refused one must not have let go of what the first one holds.
        with pytest.raises(StorageError):
            lock(path)
    assert str(caught.value) == (f"the run is in use by process {os.getpid()} on {socket.gethostname()}. Wait for it.")
    lock(path)


@pytest.mark.parametrize("kind", ["a link", "a pipe", "a directory"])
def test_what_is_no_file_of_its_own_is_no_lock(tmp_path: Path, kind: str) -> None:
    (tmp_path / "mine").write_text("precious")
    path = tmp_path / "lock"
    {"a link": lambda: path.symlink_to("mine"), "a pipe": lambda: os.mkfifo(path), "a directory": path.mkdir}[kind]()
    with pytest.raises(StorageError, match=rf"the lock file .*lock is {kind}; a lock is a file of its own"):
        lock(path)
    assert (tmp_path / "mine").read_text() == "precious"


def test_an_exception_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive_lock(tmp_path / "lock", of="it", advice=""):
        raise ZeroDivisionError
    lock(tmp_path / "lock")


def test_the_kernel_opens_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    environment = {**os.environ, "PYTHONPATH": str(Path(gpt25.__file__).parents[1])}
    words = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as holder:
        try:
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StorageError, match=f"in use by process {holder.pid} on "):
                lock(path)
        finally:
            holder.send_signal(signal.SIGKILL)
            holder.wait()
    lock(path)


def test_a_holder_that_has_not_written_its_number_yet_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="in use by another process. Wait for it."):
            lock(path)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_keeps_nobody_out(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    lock(tmp_path / "lock")


def test_a_lock_that_cannot_be_taken_for_another_reason_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageError, match=f"cannot write {tmp_path / 'absent' / 'lock'}: No such file or directory"):
        lock(tmp_path / "absent" / "lock")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(DiskFullError, match=f"cannot lock {tmp_path / 'lock'}: No space left"):
        lock(tmp_path / "lock")
