"""Ctrl-C while a module is imported: one line and exit code 130, whatever is half imported."""

import contextlib
import os
import signal
from types import FrameType


def end_interrupted_imports() -> None:
    """From now on Ctrl-C ends the process at once where a module is being imported; elsewhere it is KeyboardInterrupt.

    In an import KeyboardInterrupt would do worse: libraries turn it into an error of their own, or print it and go on
    as half of themselves. Nothing is lost by the end, for what a command leaves behind bears a kill.

    Where somebody else has taken SIGINT (nohup, a shell's background job), everything stays as it is.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not _is_importing(frame):
        signal.default_int_handler(number, frame)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # nobody reads it
        os.write(2, b"stopped\n")
    os._exit(128 + number)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether the frame, or one that called it, belongs to Python's import system."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False
