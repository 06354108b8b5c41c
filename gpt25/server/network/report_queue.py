"""Lines for people, written by a thread of their own."""

import queue
import threading
from collections.abc import Callable

_MOST_LINES = 1000


class ReportQueue:
    """Takes lines at once and writes them when the reader has time; where it has none, lines are left out and counted.

    A log that nobody reads (a full pipe, a slow disk) must not hold up the event loop.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lines: queue.Queue[str | None] = queue.Queue(_MOST_LINES)
        self._left_out = 0
        self._thread = threading.Thread(target=self._run, name="gpt25-log", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Write the line soon; never waits."""
        try:
            if self._left_out:
                self._lines.put_nowait(f"{self._left_out} lines were left out, for nobody read them in time")
                self._left_out = 0
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def close(self, *, timeout_seconds: float = 1.0) -> None:
        """Write what is there, as far as it can be written in time."""
        try:
            self._lines.put(None, timeout=timeout_seconds)
        except queue.Full:
            return
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            self._write(line)
