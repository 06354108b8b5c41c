"""Whose bytes are looked at next."""

import asyncio
from collections import deque
from collections.abc import Callable

_AT_A_TIME = 4


class Turns:
    """Hears connections in the order in which they spoke, a few in each round of the event loop.

    Of a thousand requests that arrive together the loop would else parse and answer all before it looks at a socket
    again, and whoever asks meanwhile whether the server lives would wait for seconds.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._goes_on = False  # whether the next turns are coming

    def wait(self, hear: Callable[[], None]) -> None:
        """Call `hear` when its turn comes: soon, where nobody else waits."""
        self._waiting.append(hear)
        if not self._goes_on:
            self._goes_on = True
            asyncio.get_running_loop().call_soon(self._hear_some)

    def _hear_some(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(min(_AT_A_TIME, len(self._waiting))):
            loop.call_soon(self._waiting.popleft())  # each by itself, so that one that breaks takes none along
        self._goes_on = bool(self._waiting)
        if self._goes_on:
            loop.call_soon(self._hear_some)
