"""Validation losses of a run that averaged its weights: of the last weights and of their average."""

from collections.abc import Mapping
from typing import Any


def last_and_averaged_losses(figures: Mapping[str, Any]) -> tuple[float, float] | None:
    """Validation losses of the last weights and of the average in a row of metrics; None where one is missing."""
    last, average = (figures.get(f"validation_loss_of_{weights}") for weights in ("last_weights", "average"))
    return None if last is None or average is None else (last, average)
