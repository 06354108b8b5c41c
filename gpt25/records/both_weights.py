"""What a run that averaged its last weights measured of both."""

from collections.abc import Mapping
from typing import Any


def losses_of_both_weights(figures: Mapping[str, Any]) -> tuple[float, float] | None:
    """Validation losses of the last weights and of the average, of a row of metrics; None where there were not both."""
    last, average = (figures.get(f"validation_loss_of_{weights}") for weights in ("last_weights", "average"))
    return None if last is None or average is None else (last, average)
