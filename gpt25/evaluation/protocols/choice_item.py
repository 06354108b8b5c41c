"""One question with its possible answers."""

from dataclasses import dataclass

from gpt25.errors import EvaluationError


@dataclass(frozen=True)
class ChoiceItem:
    """Several pairs of context and continuation, one of which is right.

    Usually the context is one and the continuations differ; where a blank is filled in, the contexts differ.
    """

    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    gold: int
    """The number of the right one, from 0."""
    group: str = ""
    """What kind of item, where a set has several (BLiMP's paradigms)."""

    def __post_init__(self) -> None:
        if len(self.contexts) != len(self.continuations) or not 0 <= self.gold < len(self.continuations):
            raise EvaluationError(
                f"an item has {len(self.contexts)} contexts, {len(self.continuations)} continuations and the answer "
                f"{self.gold}; expected equally many, at least one, and an answer from 0."
            )

    @classmethod
    def of_one_context(cls, context: str, continuations: list[str], gold: int) -> "ChoiceItem":
        """A question and its answers."""
        return cls((context,) * len(continuations), tuple(continuations), gold)
