"""Stop requests by signal: the run stops after the current update."""

import contextlib
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

_STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)
)  # Windows has no SIGUSR1

ONE_REQUEST_SECONDS = 0.5
STOPPING = (2, 15)
"""SIGINT and SIGTERM: what `received` may be."""


class StopSignals(contextlib.AbstractContextManager["StopSignals"]):
    """Remembers the first signal instead of dying of it; a second one ends the process at once.

    A batch system that signals every process of a job, and a launcher that passes its own signal on, deliver one
    request twice: what comes within half a second of the first signal is that same request.

    SIGUSR1 is what batch systems send ahead of a time limit; it stops a run as SIGTERM does. Outside the main thread,
    where Python allows no handlers, signals keep their usual meaning.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        """The signal whose exit code the process owes: SIGINT or SIGTERM; None as long as none came."""
        self._received_at = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in _STOP_SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.SIGINT if number == signal.SIGINT else signal.SIGTERM
            self._received_at = time.monotonic()
        elif time.monotonic() - self._received_at > ONE_REQUEST_SECONDS:
            os._exit(128 + (signal.SIGINT if number == signal.SIGINT else signal.SIGTERM))
