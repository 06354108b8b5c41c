"""Standard output or standard error, in which a full disk or a reader that has gone raises nothing."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterable
from typing import Any, TextIO


class ForgivingStream:
    """A text stream that remembers its first failure as `problem` instead of raising it.

    Whoever prints goes on as if it had been read: training, a progress bar's thread, a library's warning. A disk that
    has room again is written to again; a reader that has gone does not come back. Everything but writing is the
    stream's own.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """stream: None where the process was started without it, as Python has it then."""
        self.problem: OSError | None = None
        """Why something could not be written; None as long as everything was."""
        self._is_closed = stream is None
        self._stream = stream if stream is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or remember why not; returns the number of characters in either case."""
        if self._is_closed:
            self._remember(OSError(errno.EBADF, "it is closed"))
        self._attempt(lambda: self._stream.write(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several pieces."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Send on what is buffered, or remember why not."""
        self._attempt(self._stream.flush)

    def release(self) -> None:
        """Send on what is buffered; where that fails, discard it, so that Python's own last flush raises nothing."""
        self.flush()
        if self.problem is not None:
            with contextlib.suppress(OSError, ValueError):  # a stream made in Python has no descriptor
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
        if self._is_closed:
            self._stream.close()

    def _attempt(self, action: Callable[[], Any]) -> None:
        if isinstance(self.problem, BrokenPipeError):
            return
        try:
            action()
        except OSError as problem:
            self._remember(problem)
        except ValueError:
            if not self._stream.closed:
                raise
            self._remember(OSError(errno.EBADF, "it is closed"))

    def _remember(self, problem: OSError) -> None:
        self.problem = self.problem or problem
