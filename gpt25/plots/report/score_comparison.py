"""One figure of two models on the same items, as a report shows it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreComparison:
    """By how much the first model's figure is above the second's."""

    task: str
    metric: str
    first: str
    second: str
    difference: float
    standard_error: float | None
    p_value: float | None
    test: str
    """Which test the p-value is of."""
