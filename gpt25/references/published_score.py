"""One published figure: what, of whom, how measured, where written."""

from dataclasses import dataclass

PARAMETERS = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "gpt3-small": 125_000_000,
    "gpt3-medium": 350_000_000,
    "gpt3-large": 760_000_000,
    "gpt3-xl": 1_300_000_000,
}
"""Whose figures there are, with their parameters; the paper's 117M, 345M, 762M and 1542M are the four GPT-2."""


@dataclass(frozen=True)
class PublishedScore:
    """A figure without its definition is worthless: the same weights read 0.2859 to 0.3114 on HellaSwag."""

    task: str
    """The name of our task that measures the same thing, or comes nearest."""
    metric: str
    """The name of that task's metric."""
    model: str
    """Whose: a key of PARAMETERS."""
    value: float
    """The figure; accuracies are fractions, not percent."""
    definition: str
    """How it was measured, where that differs from ours too."""
    source: str
    """Where it is written."""

    @property
    def parameters(self) -> int:
        """Parameters of the model that it belongs to."""
        return PARAMETERS[self.model]
