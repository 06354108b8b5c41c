"""The harness's figures item by item, where its items make up the figure."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gpt25.evaluation.scoring.measurement import Measurement, Scale

_SAME = 1e-6  # the harness sums in another order


def sample_measurement(
    metric: str, definition: str, contributions: Sequence[Any], *, value: float
) -> Measurement | None:
    """A figure of the harness from what each of its samples contributed; None where it is not made of them so.

    Contributions are numbers, whose mean the figure is, or log-likelihoods, of whose mean it is the perplexity; or
    pairs of a log-likelihood and the words or bytes that it is spread over. Which of these it is, the value tells.
    """
    try:
        values = np.array([each if isinstance(each, tuple | list) else [each] for each in contributions], dtype=float)
    except (TypeError, ValueError):
        return None
    if values.ndim != 2 or not len(values) or values.shape[1] > 2 or not np.isfinite(values).all():
        return None
    ones = np.ones(len(values))
    sums, sizes = values[:, 0], values[:, 1] if values.shape[1] == 2 else ones  # (samples), (samples)
    if not sizes.sum() > 0:
        return None
    forms: tuple[tuple[Scale, int], ...] = (("mean", 1), ("exponential", -1), ("bits", -1))
    for scale, sign in forms:
        measurement = Measurement(metric, definition, sign * sums, sizes, scale, scale == "mean")
        if math.isclose(measurement.value, value, rel_tol=_SAME, abs_tol=1e-12):
            return measurement
    return None
