"""A duration that survives a restart and does not follow the wall clock."""

import time


class Stopwatch:
    """Counts from a given offset on the monotonic clock, so that a resumed run goes on counting without the pause."""

    def __init__(self, *, offset_seconds: float = 0.0) -> None:
        self._start = time.monotonic() - offset_seconds

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the stopwatch was made, plus its offset."""
        return time.monotonic() - self._start
