"""Threads that take their part of every step, and sleep between steps."""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import NamedTuple


class _Part(NamedTuple):
    """What one thread is to do, and where it reports that it has, with the error if there was one."""

    work: Callable[[int], None]
    give_up: Callable[[], None]
    ended: "SimpleQueue[BaseException | None]"


class Team:
    """Runs one function in several threads at a time, the caller's among them; they hold no lock of Python meanwhile.

    Between two steps the others sleep. They end with the process, or with `close`. Callers in several threads come one
    after the other: threads that wait for one another must be of one step. A forked process gets threads of its own.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._begin()

    def _begin(self) -> None:
        self._process, self._turn = os.getpid(), threading.Lock()
        self._parts: list[SimpleQueue[_Part | None]] = [SimpleQueue() for _ in range(self.workers - 1)]
        for index, parts in enumerate(self._parts):
            threading.Thread(target=_serve, args=(index + 1, parts), name="gpt25-kernels", daemon=True).start()

    def run(
        self, work: Callable[[int], None], *, workers: int | None = None, give_up: Callable[[], None] = lambda: None
    ) -> None:
        """Call work(0) to work(workers - 1) side by side; return when all have. workers: all, or only the first.

        give_up: lets those go that wait for one another, because one of them failed or Ctrl-C came. The error is then
        raised here, and no thread works any more.
        """
        if self._process != os.getpid():  # forked: the threads, and who had his turn, stayed behind
            self._begin()
        with self._turn:
            self._run(work, self._parts[: None if workers is None else workers - 1], give_up)

    def _run(
        self, work: Callable[[int], None], helping: "list[SimpleQueue[_Part | None]]", give_up: Callable[[], None]
    ) -> None:
        ended: SimpleQueue[BaseException | None] = SimpleQueue()
        try:
            for parts in helping:
                parts.put(_Part(work, give_up, ended))
            work(0)
            errors = [ended.get() for _ in helping]
        except BaseException:
            give_up()
            _wait_until_idle(helping)
            raise
        for error in errors:
            if error is not None:
                raise error

    def close(self) -> None:
        """Let the threads end."""
        for parts in self._parts:
            parts.put(None)


def _serve(worker: int, parts: "SimpleQueue[_Part | None]") -> None:
    while (part := parts.get()) is not None:
        error = None
        try:
            part.work(worker)
        except BaseException as problem:  # the caller's, who raises it
            part.give_up()
            error = problem
        part.ended.put(error)
        del part, error  # nothing of a model outlives its step here


def _wait_until_idle(helping: "list[SimpleQueue[_Part | None]]") -> None:
    """Return when the threads have done what they were given, even where Ctrl-C comes again and again."""
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    waiting = len(helping)
    for parts in helping:
        parts.put(_Part(lambda _: None, lambda: None, ended))
    while waiting:
        try:
            ended.get()
            waiting -= 1
        except KeyboardInterrupt:
            continue
