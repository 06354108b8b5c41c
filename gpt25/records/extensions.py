"""How a run became longer than it was begun."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Extended:
    """One time that it did."""

    after: int
    """Updates after which it went on."""
    planned: int
    """Updates that it was to have until then."""
    updates: int
    """Updates that it was to have from then on."""


def extensions_of(recipe: Mapping[str, Any]) -> list[Extended]:
    """What a run's recipe, as run.toml has it, tells of them, the oldest first; nothing where that cannot be read."""
    history, loop = recipe.get("history"), recipe.get("loop")
    pairs = history.get("extensions") if isinstance(history, Mapping) else None
    number = loop.get("number_of_updates") if isinstance(loop, Mapping) else None
    if not isinstance(pairs, list) or not isinstance(number, int):
        return []
    if not all(isinstance(pair, list) and len(pair) == 2 and all(isinstance(n, int) for n in pair) for pair in pairs):
        return []
    ends = [*(planned for _, planned in pairs), number][1:]
    return [Extended(after, planned, end) for (after, planned), end in zip(pairs, ends, strict=True)]
