"""Short pieces of work with a model, for which its steps wait."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class WorkBetweenSteps:
    """A queue of functions. What looks into a model may stand in the way of its steps, so that the two take turns."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, work: Callable[[], T]) -> "Future[T]":
        """Queue a function; a future that is cancelled before its turn takes none."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting.append((future, work))
        return future

    def do_one(self) -> None:
        """Do the first of them, if there is one; what it raises is its future's."""
        with self._lock:
            if not self._waiting:
                return
            future, work = self._waiting.popleft()
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = work()
        except Exception as problem:
            future.set_exception(problem)
        else:
            future.set_result(result)

    def cancel_all(self) -> None:
        """Do none of what waits."""
        with self._lock:
            for future, _ in self._waiting:
                future.cancel()
            self._waiting.clear()
