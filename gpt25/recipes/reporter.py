"""Where a recipe's messages and progress go; the command line's Output is a reporter."""

from contextlib import AbstractContextManager
from typing import Any, Protocol


class Progress(Protocol):
    """An open progress bar, or what stands for one."""

    def advance(self, units_done: int = 1, /, **fields: Any) -> None:
        """Count units as done and show fields beside the count."""


class Reporter(Protocol):
    """Prints a recipe's messages and draws its progress.

    None of it raises where nobody can read a message or no room is left for it: that must not cost a run. Whoever
    made the reporter says at the end what was lost.
    """

    def say(self, text: str = "") -> None:
        """A line of the result."""

    def note(self, text: str) -> None:
        """A remark beside the result."""

    def progress(
        self, description: str, total: int | None, unit: str, *, done: int = 0
    ) -> AbstractContextManager[Progress]:
        """A progress bar for long work, of which `done` units were done before."""
