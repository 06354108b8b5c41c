"""Stop requests by signal for work of which nothing is kept: it ends where it stands."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from gpt25.training.loop.stop_signals import ONE_REQUEST_SECONDS, StopSignals

_GRACE_SECONDS = 1.0


class StoppedAtOnce(BaseException):
    """Raised where the work stands; no handler of errors takes it for one."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


class StopAtOnce(StopSignals):
    """Raises StoppedAtOnce in the main thread at the first signal; a second request ends the process at once.

    Python sees a signal only between two of its own steps, and a backward pass is one step, which may take a minute on
    a processor. So a thread hears of it too: where the main thread has not left this context a second later, it calls
    `clean_up` and ends the process with the signal's exit code.
    """

    def __init__(self, clean_up: Callable[[], None]) -> None:
        super().__init__()
        self._clean_up = clean_up
        self._left = threading.Event()
        self._ends: tuple[socket.socket, socket.socket] | None = None
        self._descriptor_before = -1

    def __enter__(self) -> "StopAtOnce":
        super().__enter__()
        if self._before:
            self._ends = socket.socketpair()
            self._ends[1].setblocking(False)
            self._descriptor_before = signal.set_wakeup_fd(self._ends[1].fileno(), warn_on_full_buffer=False)
            threading.Thread(target=self._watch, args=(self._ends[0],), daemon=True).start()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._left.set()
        if self._ends is not None:
            signal.set_wakeup_fd(self._descriptor_before)
            for end in reversed(self._ends):  # the writing one first, at whose end the thread stops reading
                end.close()
        super().__exit__(*problem)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        is_first = not self._received_at
        if is_first:
            self._received_at = time.monotonic()
            raise StoppedAtOnce(_owed(number))
        if time.monotonic() - self._received_at > ONE_REQUEST_SECONDS:
            os._exit(128 + _owed(number))

    def _watch(self, end: socket.socket) -> None:
        """Wait for a stop signal's byte, then for the main thread, and end the process where it does not come."""
        with contextlib.suppress(OSError):
            while received := end.recv(1):
                number = received[0]
                if number in self._before and not self._left.wait(_GRACE_SECONDS):
                    self._clean_up()
                    os._exit(128 + _owed(number))


def _owed(number: int) -> int:
    """The signal whose exit code the process owes."""
    return int(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)
