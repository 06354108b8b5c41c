"""Threads that take their part of every step, and sleep between steps."""

import threading
from collections.abc import Callable


class Team:
    """Runs one function in several threads at a time, the caller's among them; they hold no lock of Python meanwhile.

    Between two steps the others sleep. They end with the process, or with `close`.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._work: Callable[[int], None] | None = None
        self._begin = [threading.Semaphore(0) for _ in range(workers - 1)]
        self._done = threading.Semaphore(0)
        for index, begin in enumerate(self._begin):
            threading.Thread(target=self._serve, args=(index + 1, begin), name="gpt25-kernels", daemon=True).start()

    def run(self, work: Callable[[int], None], *, workers: int | None = None) -> None:
        """Call work(0) to work(workers - 1) side by side; return when all have. workers: all, or only the first."""
        self._work = work
        helping = self._begin[: None if workers is None else workers - 1]
        for begin in helping:
            begin.release()
        work(0)
        for _ in helping:
            self._done.acquire()

    def close(self) -> None:
        """Let the threads end."""
        self._work = None
        for begin in self._begin:
            begin.release()

    def _serve(self, worker: int, begin: threading.Semaphore) -> None:
        while True:
            begin.acquire()
            if self._work is None:
                return
            self._work(worker)
            self._done.release()
