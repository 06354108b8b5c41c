"""Work of which nothing is kept ends where it stands, also where Python does not get a word in."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from gpt25.training import StopAtOnce, StoppedAtOnce
from gpt25.training.loop import stop_at_once, stop_signals


def nothing() -> None:
    """Clean nothing up."""


@pytest.mark.parametrize(
    ("number", "owed"),
    [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM), (signal.SIGUSR1, signal.SIGTERM)],
)
def test_the_first_signal_is_raised_where_the_work_stands(number: int, owed: int) -> None:
    done = []

    def work() -> None:
        with StopAtOnce(nothing):
            try:
                os.kill(os.getpid(), number)
                done.append("more work")
            except Exception:
                done.append("taken for an error")

    with pytest.raises(StoppedAtOnce) as stopped:
        work()
    assert (stopped.value.signal_number, done) == (owed, [])


def test_one_request_that_arrives_twice_is_one_and_another_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    now, ends = [100.0], []
    monkeypatch.setattr(stop_at_once.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(stop_at_once.os, "_exit", ends.append)

    def work() -> None:
        with StopAtOnce(nothing):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                now[0] += 0.4
                os.kill(os.getpid(), signal.SIGTERM)
                assert ends == []
                now[0] += 0.2
                os.kill(os.getpid(), signal.SIGINT)
                assert ends == [130]

    with pytest.raises(StoppedAtOnce):
        work()


def test_afterwards_signals_mean_what_they_meant() -> None:
    before, descriptor = signal.getsignal(signal.SIGTERM), signal.set_wakeup_fd(-1)
    with StopAtOnce(nothing) as signals:
        assert signal.getsignal(signal.SIGTERM) != before
        assert signals.received is None
    assert signal.getsignal(signal.SIGTERM) == before
    assert signal.set_wakeup_fd(descriptor) == -1
    assert stop_signals.StopSignals().received is None


def test_outside_the_main_thread_nothing_is_touched() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with StopAtOnce(nothing):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


BUSY = """
import pathlib, sys, torch
from gpt25.training import StopAtOnce
torch.set_num_threads(1)
left = pathlib.Path(sys.argv[1])
left.touch()
with StopAtOnce(left.unlink):
    print("busy", flush=True)
    torch.linalg.svd(torch.randn(4500, 4500))  # one step for Python, half a minute long
"""


def test_a_step_that_lasts_is_not_waited_for(tmp_path: os.PathLike[str]) -> None:
    left = os.path.join(tmp_path, "left")
    with subprocess.Popen([sys.executable, "-c", BUSY, left], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "busy\n"
        time.sleep(1)
        start = time.monotonic()
        process.terminate()
        assert process.wait(timeout=60) == 143
    assert time.monotonic() - start < 5
    assert not os.path.exists(left)
