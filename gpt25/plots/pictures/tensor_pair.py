"""One tensor of two checkpoints, as their pictures need it."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TensorPair:
    """One tensor of two checkpoints, in figures."""

    name: str
    """What it is called as a whole."""
    part: str
    """What it is within its block, the same for all blocks: "attention.projection.weight"."""
    layer: int | None
    """The number of its block; None outside the blocks."""
    norm_a: float
    norm_b: float
    relative_change: float
    """Norm of the difference over that of the first; may be infinite."""
    cosine: float
    """May be NaN."""
    spectrum_a: "NDArray[np.float64] | None"
    """Singular values, largest first; None for a vector."""
    spectrum_b: "NDArray[np.float64] | None"

    @property
    def degrees(self) -> float:
        """The angle between both as vectors: 0 for the same direction, 90 for unrelated ones; NaN without a cosine."""
        return math.degrees(math.acos(self.cosine))
