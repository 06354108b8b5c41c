"""What became of a run since it was begun."""

import dataclasses
from typing import Any, Literal

from gpt25.training.configuration.requirements import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class HistoryConfiguration:
    """Written into run.toml by gpt25 alone; a recipe has none."""

    begun_by: Literal["quickstart"] | None = None
    """The command that began the run, where that was another one than `gpt25 train`."""
    recipe: str | None = None
    """The recipe of the package by whose name `gpt25 train` began the run; none for a file."""
    extensions: tuple[tuple[int, int], ...] = ()
    """How the run became longer: pairs of the update after which it went on and of the updates that it was to have."""

    def __post_init__(self) -> None:
        by: Any = self.begun_by
        require(by in (None, "quickstart"), "history.begun_by", by, "quickstart or none")
        pairs: Any = self.extensions
        rule = "a list of pairs of updates, rising, such as [[20, 20], [25, 30]]"
        require(isinstance(pairs, tuple), "history.extensions", pairs, rule)
        last = (0, 0)
        for pair in pairs:
            whole = isinstance(pair, tuple) and len(pair) == 2 and all(type(number) is int for number in pair)
            require(whole and last[0] <= pair[0] <= pair[1] and last[1] < pair[1], "history.extensions", pair, rule)
            last = pair
