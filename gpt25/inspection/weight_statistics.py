"""Statistics of a tensor's values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

_PIECE = 1 << 22  # values turned into float64 at a time: 32 MiB


@dataclass(frozen=True)
class WeightStatistics:
    """Statistics of all values of one tensor, or of several together."""

    count: int
    """How many values."""
    mean: float
    standard_deviation: float
    """Root of the mean squared distance from the mean."""
    smallest: float
    largest: float
    norm: float
    """Root of the sum of squares."""
    share_of_zeros: float
    """How many of the values are exactly 0, from 0 to 1."""

    @classmethod
    def of_several(cls, parts: Sequence["WeightStatistics"]) -> "WeightStatistics":
        """The statistics of all values of several tensors, as if they were one."""
        count = sum(part.count for part in parts)
        mean = math.fsum(part.count * part.mean for part in parts) / count
        square = math.fsum(
            part.count * (part.standard_deviation**2 + (part.mean - mean) ** 2) for part in parts
        )  # sum of squared distances from the common mean
        return cls(
            count=count,
            mean=mean,
            standard_deviation=math.sqrt(square / count),
            smallest=min(part.smallest for part in parts),
            largest=max(part.largest for part in parts),
            norm=math.hypot(*(part.norm for part in parts)),
            share_of_zeros=math.fsum(part.count * part.share_of_zeros for part in parts) / count,
        )


def weight_statistics(tensor: Tensor) -> WeightStatistics:
    """The statistics of one tensor of any shape and floating dtype, summed in float64."""
    return WeightStatistics.of_several([_of_piece(piece) for piece in tensor.detach().flatten().split(_PIECE)])


def _of_piece(values: Tensor) -> WeightStatistics:
    exact = values.double()  # (values)
    return WeightStatistics(
        count=values.numel(),
        mean=float(exact.mean()),
        standard_deviation=float(exact.std(correction=0)),
        smallest=float(exact.min()),
        largest=float(exact.max()),
        norm=float(exact.norm()),
        share_of_zeros=float((exact == 0).double().mean()),
    )
