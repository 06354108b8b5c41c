"""What evaluating on one task gave: for JSON, for keeping, and the figures' common form."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gpt25.evaluation import Difference, Measurement, difference_between


@dataclass(frozen=True)
class TaskResult:
    """One task's result."""

    content: dict[str, Any]
    """The JSON object."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What a file holds beside it: every item's contribution, to compare models later."""
    samples: Sequence[str] = ()
    """Of the harness's tasks: prompts, answers and scores, a line of JSON each."""

    @property
    def to_keep(self) -> dict[str, Any]:
        """The object that is written into a run or a file."""
        return {**self.content, **self.kept}


def differences_between(first: Sequence[Measurement], second: Sequence[Measurement]) -> list[Difference]:
    """Metric by metric, of those that both have."""
    others = {each.metric: each for each in second}
    return [difference_between(each, others[each.metric]) for each in first if each.metric in others]
