"""What stands on standard input, for the word "-"."""

import sys

from gpt25.errors import StorageError


def standard_input() -> bytes:
    """All bytes of standard input; raises StorageError where there is none or it cannot be read."""
    if sys.stdin is None:
        raise StorageError("there is no standard input to read: it is closed. Give the text instead of -, or a pipe.")
    try:
        return sys.stdin.buffer.read()
    except OSError as problem:
        raise StorageError(f"cannot read standard input: {problem.strerror or problem}.") from problem
