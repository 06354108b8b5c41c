"""The names of files in a sentence."""

from collections.abc import Sequence

_NAMED = 5


def first_names(names: Sequence[str]) -> str:
    """The first of them: first_names(["a", "b", "c", "d", "e", "f"]) -> "a, b, c, d, e … (6 in all)"."""
    beyond = f" … ({len(names):,} in all)" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + beyond
