"""From the rows of metrics.jsonl to lines that can be drawn, whatever the rows lack."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from gpt25.records import RunDirectory, is_trial, last_validation_tokens
from gpt25.storage import resolved

HorizontalAxis = Literal["tokens", "seconds", "updates"]
Point = tuple[float, float]

_FIELD_OF_AXIS = {"tokens": "tokens", "seconds": "elapsed_seconds", "updates": "update"}
_SMOOTHING_WINDOWS = 40  # a smoothed point is the mean of 1/40 of the run on either side
_FEWEST_POINTS_TO_CROP = 50
_CROPPED_FRACTION = 0.03  # what happens in the first 3 % may leave the frame at the top
_PADDING = 0.08
_FEWEST_POINTS_OF_A_LINE = 25


@dataclass(frozen=True)
class Curves:
    """What one run measured, against one horizontal axis. Every coordinate is finite."""

    name: str
    """What the run is called in a legend."""
    training: list[Point]
    """Training loss in nats per token, as measured."""
    validation: list[Point]
    """Loss on the held-out text in nats per token, where measured."""
    learning_rate: list[Point]
    """The rate of the optimizer."""
    not_finite: list[float]
    """Where the training loss was NaN or infinite."""
    start: Point | None = None
    """The validation loss before the first update, of a run that measured what it began with."""
    held_out: Point | None = None
    """The loss on all of the held-out text at the end, where that was measured beside the validation losses."""
    validation_tokens: int | None = None
    """On how many tokens the validation losses were measured."""

    @property
    def smoothed(self) -> list[Point]:
        """The training loss without most of its noise."""
        return smooth(self.training)

    @property
    def is_smoothed(self) -> bool:
        """Whether there are points enough for smoothing to change anything."""
        return len(self.training) >= _SMOOTHING_WINDOWS

    @property
    def validation_name(self) -> str:
        """What a graph calls the validation losses: by their tokens, so that no other loss is taken for them."""
        return "validation" if self.validation_tokens is None else f"validation, {self.validation_tokens:,} tokens"

    @property
    def has_few_points(self) -> bool:
        """Whether the training losses are so few that a line through them would be a zigzag; marks show them then."""
        return len(self.training) < _FEWEST_POINTS_OF_A_LINE

    @property
    def is_empty(self) -> bool:
        """Whether there is no loss to draw."""
        return not (self.training or self.validation)


def curves_of(
    rows: Sequence[dict[str, Any]], *, name: str, x: HorizontalAxis, held_out_loss: float | None = None
) -> Curves:
    """Pick the drawable values out of metric rows; what is absent, null or not finite is left out.

    held_out_loss: what the last row's weights reach on all of the held-out text, by summary.json.
    """
    field = _FIELD_OF_AXIS[x]
    placed = [(place, row) for row in rows if (place := _finite(row.get(field))) is not None]

    placed_at_start = [(place, row) for place, row in placed[:1] if row.get("update") == 0]

    def points(measure: str, *, placed: list[tuple[float, dict[str, Any]]] = placed) -> list[Point]:
        return [(place, value) for place, row in placed if (value := _finite(row.get(measure))) is not None]

    held_out = _finite(held_out_loss)
    return Curves(
        name=name,
        held_out=(placed[-1][0], held_out) if placed and held_out is not None else None,
        validation_tokens=last_validation_tokens(rows),
        training=points("training_loss"),
        validation=points("validation_loss"),
        learning_rate=points("learning_rate"),
        not_finite=[place for place, row in placed if "training_loss" in row and _finite(row["training_loss"]) is None],
        start=next(iter(points("validation_loss", placed=placed_at_start)), None),
    )


def names_of(runs: Sequence[RunDirectory]) -> list[str]:
    """Short names that tell the runs apart: the last part of their paths, with more parts where those are equal.

    A trial is called one.
    """
    parts = [resolved(run.path).parts for run in runs]
    names = []
    for run, own in zip(runs, parts, strict=True):
        others = {other for other in parts if other != own}
        length = next((n for n in range(1, len(own)) if all(other[-n:] != own[-n:] for other in others)), len(own))
        names.append("/".join(own[-length:]) + (" (trial)" if is_trial(run.recipe()) else ""))
    return names


def smooth(points: Sequence[Point]) -> list[Point]:
    """The mean of each point and its neighbours, 1/40 of the run on either side.

    At the left end, where the loss falls steeply, as few on the right as there are on the left, so that the line does
    not run ahead of the loss; at the right end as many as there are, so that its last value is not the last noise.
    """
    reach = len(points) // _SMOOTHING_WINDOWS
    sums = [0.0, *accumulate(y for _, y in points)]
    smoothed = []
    for index, (x, _) in enumerate(points):
        half = min(reach, index)
        first, behind = index - half, min(index + half + 1, len(points))
        smoothed.append((x, (sums[behind] - sums[first]) / (behind - first)))
    return smoothed


def downsample(points: Sequence[Point], *, columns: int) -> list[Point]:
    """At most four points per column of a picture: first, lowest, highest and last, so that no spike is lost."""
    if len(points) <= 4 * columns:
        return list(points)
    left, right = points[0][0], points[-1][0]
    width = (right - left) / columns or 1.0
    kept: list[Point] = []
    bucket: list[Point] = []
    for point in points:
        if bucket and int((point[0] - left) / width) != int((bucket[0][0] - left) / width):
            kept += _corners(bucket)
            bucket = []
        bucket.append(point)
    return kept + _corners(bucket)


def vertical_limits(runs: Sequence[Curves]) -> tuple[float, float]:
    """Lowest and highest loss to show. The steep first moments of a long run may stick out at the top, a start not."""
    everything: list[float] = []
    settled: list[float] = []
    for curves in runs:
        lines = [curves.smoothed, curves.validation]
        places = [x for line in lines for x, _ in line]
        start = min(places, default=0.0)
        from_here = start + _CROPPED_FRACTION * (max(places, default=0.0) - start)
        crop = len(curves.training) >= _FEWEST_POINTS_TO_CROP
        everything += [y for line in lines for _, y in line]
        settled += [y for line in lines for x, y in line if not crop or x >= from_here]
        settled += [curves.start[1]] if curves.start else []
        everything += [curves.held_out[1]] if curves.held_out else []
    low, high = min(everything, default=0.0), max(settled or everything, default=1.0)
    padding = _PADDING * (high - low) or 0.5
    return low - padding, high + padding


def _corners(bucket: Sequence[Point]) -> list[Point]:
    """First, lowest, highest and last point of a bucket in their order, none twice."""
    values = [y for _, y in bucket]
    places = {0, values.index(min(values)), values.index(max(values)), len(values) - 1}
    return [bucket[place] for place in sorted(places)]


def _finite(value: Any) -> float | None:
    """A finite number as it is, None for everything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None
