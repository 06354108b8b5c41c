"""What a recipe needs in order to talk to people; the command line's Output is one."""

from contextlib import AbstractContextManager
from typing import Any, Protocol


class Advancing(Protocol):
    """A progress display that is open."""

    def advance(self, units_done: int = 1, /, **fields: Any) -> None:
        """Count units as done and show fields beside the count."""


class Reporter(Protocol):
    """Where a recipe's words and progress go.

    None of it raises where nobody can read the words or no room is left for them: that must not cost a run. Whoever
    made the reporter says at the end what was lost.
    """

    def say(self, text: str = "") -> None:
        """A line of the result."""

    def note(self, text: str) -> None:
        """A remark beside the result."""

    def progress(self, description: str, total: int | None, unit: str) -> AbstractContextManager[Advancing]:
        """A display of long work."""
