"""The process's three standard streams while a command runs: none is missing, and writing to none raises."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO, cast

from gpt25.cli.streams.forgiving_stream import ForgivingStream


@dataclass(frozen=True)
class StandardStreams:
    """Standard output and standard error, and what became of them."""

    output: ForgivingStream
    error: ForgivingStream

    @classmethod
    @contextlib.contextmanager
    def taken(cls) -> Iterator["StandardStreams"]:
        """Put forgiving streams in the place of sys.stdout and sys.stderr, and the old ones back at the end."""
        _fill_descriptors()
        before = sys.stdout, sys.stderr
        streams = cls(ForgivingStream(sys.stdout), ForgivingStream(sys.stderr))
        sys.stdout, sys.stderr = cast(TextIO, streams.output), cast(TextIO, streams.error)
        try:
            yield streams
        finally:
            streams.output.release()
            streams.error.release()
            sys.stdout, sys.stderr = before


def _fill_descriptors() -> None:
    """Open closed standard descriptors on nothing: else the next file opened gets 1 and what a library prints in C."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free, which is this one
