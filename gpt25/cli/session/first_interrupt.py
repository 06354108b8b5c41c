"""Ctrl-C while something is written: a request to stop, heard between two tokens."""

import contextlib
import signal
from types import FrameType
from typing import Any


class FirstInterrupt(contextlib.AbstractContextManager["FirstInterrupt"]):
    """Remembers the first SIGINT, so that what is written ends whole; the second one is KeyboardInterrupt, as ever."""

    def __init__(self) -> None:
        self.came = False
        """Whether somebody wants the text to stop."""
        self._before: Any = None

    def __enter__(self) -> "FirstInterrupt":
        self._before = signal.signal(signal.SIGINT, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.came:
            signal.default_int_handler(number, frame)
        self.came = True
