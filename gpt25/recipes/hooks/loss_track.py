"""Tells when a run's loss leaves the track that its recipe expects, and what that usually means."""

import math
from bisect import bisect_left
from collections import deque
from typing import Any

from gpt25.training import TrainingConfiguration

_UPDATES_TO_AVERAGE = 20
_RISE_IN_NATS = 1.0


class LossTrack:
    """Looks at every update's row; says one sentence when the loss leaves the track, and one when it is back.

    The mean of the last 20 finite losses counts. It leaves the track above the recipe's track.loss_at_most, below its
    track.loss_at_least, or a whole nat above the lowest mean so far, which holds for every recipe.
    """

    def __init__(self, configuration: TrainingConfiguration) -> None:
        self._configuration = configuration
        self._recent: deque[float] = deque(maxlen=_UPDATES_TO_AVERAGE)
        self._lowest = math.inf
        self._is_off = False

    def observe(self, row: dict[str, Any]) -> str | None:
        """The warning that this row of metrics.jsonl gives reason for; None nearly always."""
        if not math.isfinite(row["training_loss"]):
            return None  # the trainer tells of these itself
        self._recent.append(row["training_loss"])
        if len(self._recent) < _UPDATES_TO_AVERAGE:
            return None
        mean = sum(self._recent) / len(self._recent)
        problem = self._problem(mean, row)
        self._lowest = min(self._lowest, mean)
        if (problem is not None) == self._is_off:
            return None
        self._is_off = problem is not None
        return problem or f"the loss is back on its track: {mean:.2f} after update {row['update']:,}"

    def _problem(self, mean: float, row: dict[str, Any]) -> str | None:
        """What is wrong with this mean loss, and the usual causes."""
        where = f"after update {row['update']:,} ({row['tokens'] / 1e6:,.0f}M tokens) the loss is {mean:.2f}"
        if mean > self._lowest + _RISE_IN_NATS:
            return (
                f"{where}, up from {self._lowest:.2f}, with a gradient norm of {row['gradient_norm']:.2f}. Usual "
                f"causes: a learning rate too high for this batch (it is {row['learning_rate']:.2g} now), a warm-up "
                "too short, no clipping, a stretch of broken text. If it stays up, train with a lower rate in another "
                "--run directory, or start there from an older checkpoint (--start RUN@UPDATE)."
            )
        limit = expected_at_most(self._configuration.track.loss_at_most, row["tokens"] / 1e6)
        if limit is not None and mean > limit:
            return (
                f"{where}; the recipe expects at most {limit:.2f} by now. Usual causes: batch.tokens_per_update "
                f"({self._configuration.batch.tokens_per_update:,}) was changed and the rates were not (change "
                "batch.micro_batch_rows instead, on which only memory depends), another learning rate or warm-up, data "
                "of another kind or language, data that a wrong tokenizer made."
            )
        least = self._configuration.track.loss_at_least
        if least is not None and mean < least:
            return (
                f"{where}, below the {least:.2f} that such a model can reach on such text. Usual causes: too little "
                "text, read many times, text that repeats itself, another kind of text than the recipe's, such as code."
            )
        return None


def expected_at_most(points: tuple[tuple[float, float], ...], millions_of_tokens: float) -> float | None:
    """The highest loss expected then: expected_at_most(((100, 6.0), (400, 5.0)), 200) -> 5.5.

    Straight lines over the logarithm of the tokens; None before the first point, the last loss after the last.
    """
    if not points or millions_of_tokens < points[0][0]:
        return None
    after = bisect_left([millions for millions, _ in points], millions_of_tokens)
    if after == len(points):
        return points[-1][1]
    if after == 0:
        return points[0][1]
    (left, high), (right, low) = points[after - 1], points[after]
    return high + (low - high) * math.log(millions_of_tokens / left) / math.log(right / left)
