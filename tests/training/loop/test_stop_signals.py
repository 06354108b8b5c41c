import os
import signal
import threading

import pytest

from gpt25.training.loop import stop_signals
from gpt25.training.loop.stop_signals import StopSignals


class Ended(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test moves, and an exit that it can see."""

    def end(code: int) -> None:
        raise Ended(code)

    now = [100.0]
    monkeypatch.setattr(stop_signals.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(stop_signals.os, "_exit", end)
    return now


@pytest.mark.parametrize(
    ("number", "owed"),
    [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM), (signal.SIGUSR1, signal.SIGTERM)],
)
def test_the_first_signal_is_remembered(number: int, owed: int, clock: list[float]) -> None:
    with StopSignals() as signals:
        assert signals.received is None
        os.kill(os.getpid(), number)
        assert signals.received == owed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 143)])
def test_a_second_signal_ends_the_process(number: int, code: int, clock: list[float]) -> None:
    with StopSignals():
        os.kill(os.getpid(), signal.SIGTERM)
        clock[0] += 0.6
        with pytest.raises(Ended, match=str(code)):
            os.kill(os.getpid(), number)


def test_one_request_that_arrives_twice_is_one_request(clock: list[float]) -> None:
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        clock[0] += 0.4
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.received == signal.SIGINT


def test_afterwards_signals_mean_what_they_meant(clock: list[float]) -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with StopSignals():
        assert signal.getsignal(signal.SIGUSR1) != before
    assert signal.getsignal(signal.SIGUSR1) == before


def test_outside_the_main_thread_nothing_is_touched() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with StopSignals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
