"""A tracker in a thread of its own: neither its slowness nor its failing costs a run anything."""

import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol

_LONGEST_END_SECONDS = 60.0
"""How long the end of a run waits for what a tracker still has to send."""


class Tracker(Protocol):
    """What takes the rows of metrics.jsonl."""

    def write(self, row: dict[str, Any]) -> None:
        """Take a row."""

    def close(self) -> None:
        """Send what is left."""


class BackgroundTracker:
    """Hands rows to a tracker, one after the other, until its first failure.

    begin: makes the tracker; called in the thread. note: told, once, why it takes no more.
    """

    def __init__(
        self,
        name: str,
        begin: Callable[[], Tracker],
        note: Callable[[str], None],
        *,
        longest_end_seconds: float = _LONGEST_END_SECONDS,
    ) -> None:
        self._name, self._note, self._longest_end_seconds = name, note, longest_end_seconds
        self._rows: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._has_failed = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(begin,), name=f"tracker {name}", daemon=True)
        self._thread.start()

    def write(self, row: dict[str, Any]) -> None:
        """Take a row of metrics.jsonl; returns at once."""
        if not self._has_failed.is_set():
            self._rows.put(dict(row))

    def close(self) -> None:
        """Wait for what is left, but not for ever."""
        self._rows.put(None)
        self._thread.join(self._longest_end_seconds)
        if self._thread.is_alive():
            self._note(
                f"{self._name} took more than {self._longest_end_seconds:g} s for what was left, and is not waited "
                "for; metrics.jsonl has everything"
            )

    def _work(self, begin: Callable[[], Tracker]) -> None:
        try:
            tracker = begin()
            while (row := self._rows.get()) is not None:
                tracker.write(row)
            tracker.close()
        except Exception as problem:  # whatever a service, its client, a network or a disk can come up with
            self._has_failed.set()
            reason = " ".join(str(problem).split()) or type(problem).__name__
            self._note(
                f"{self._name} gets no more of this run: {reason[:300]}; training goes on, and metrics.jsonl has "
                "everything"
            )
