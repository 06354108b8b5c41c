"""A command at a terminal of 80 columns: a real pseudo-terminal, with somebody who reads and types."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

DEADLINE_SECONDS = 60
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WHERE_IS_THE_CURSOR, _AT_THE_TOP = b"\x1b[6n", b"\x1b[1;1R"
PROMPT = re.compile(r"\x1b\[\?2004h(?s:.*)>[^>]*\x1b\[\?25h\Z")
"""What the screen was sent last when an entry can be typed: pasting as one is on, and the cursor is to be seen."""


class Terminal:
    """The master's side of the pseudo-terminal."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self.process = process
        self.received = ""

    def until(self, pattern: str | re.Pattern[str]) -> str:
        """Read on until what came since now holds the pattern; returns that, without what only moves or colours."""
        begin, end = len(self.received), time.monotonic() + DEADLINE_SECONDS
        while not re.search(pattern, self.received[begin:]):
            assert time.monotonic() < end, f"waited for {pattern!r} in vain: {self.received!r}"
            if not self._read():
                break
        fresh = self.received[begin:]
        assert re.search(pattern, fresh), f"it ended without {pattern!r}: {self.received!r}"
        return _SEQUENCE.sub("", fresh).replace("\r\n", "\n")

    def type(self, keys: str) -> None:
        """Press keys: letters, "\\r" for Enter, "\\x03" for Ctrl-C, "\\x04" for Ctrl-D."""
        os.write(self._master, keys.encode())

    def answer(self, entry: str) -> str:
        """Type an entry and Enter; returns what is said until the next one can be typed."""
        self.type(entry + "\r")
        return self.until(r"\x1b\[\?2004l(?s:.*)" + PROMPT.pattern)

    def end(self) -> int:
        """Read what is left; returns the exit code."""
        while self._read():
            pass
        return self.process.wait(DEADLINE_SECONDS)

    def _read(self) -> bool:
        """Take what comes within a moment; returns whether there can be more."""
        if not select.select([self._master], [], [], 0.1)[0]:
            return True
        try:
            fresh = os.read(self._master, 1 << 16)
        except OSError:  # the other side is closed
            return False
        if _WHERE_IS_THE_CURSOR in fresh:
            os.write(self._master, _AT_THE_TOP)
        self.received += fresh.decode(errors="replace")
        return bool(fresh)


@contextlib.contextmanager
def gpt25(*words: str, **variables: str) -> Iterator[Terminal]:
    """Run the command at a terminal of its own, with these environment variables besides."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "OMP_NUM_THREADS": "1"} | variables
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_THE_TERMINAL, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)


# Ctrl-C is a signal only for the session whose controlling terminal it is typed at.
_TAKE_THE_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from gpt25.cli.start import start
start()
"""
