"""Whether somebody sits there."""

import sys


def at_terminal() -> bool:
    """Whether standard input and standard output are both a terminal, so that a conversation is possible."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
