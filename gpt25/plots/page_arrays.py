"""Arrays inside a page, quantised to 16 bits: small, and exact enough to be read off."""

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEPS = 65_535  # a value is kept as one of 2**16 levels between the smallest and the largest


def quantised(values: "NDArray[np.floating]") -> dict[str, Any]:
    """An array of any shape as {"shape", "low", "high", "numbers"}: base64 of little-endian uint16, 2.7 bytes a value.

    A value comes back as low + level * (high - low) / 65535, so that the error is at most 1/131,070 of the range.
    Values must be finite.
    """
    import numpy as np

    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    levels = np.rint((values.astype(np.float64) - low) * (_STEPS / ((high - low) or 1.0))).astype("<u2")
    return {
        "shape": list(values.shape),
        "low": low,
        "high": high,
        "numbers": base64.b64encode(levels.tobytes()).decode("ascii"),
    }
