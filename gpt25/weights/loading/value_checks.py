"""What the values of stored tensors must be, whether they are looked at as tensors of torch or as arrays of NumPy."""

import math
from pathlib import Path
from typing import Any

from gpt25.errors import WeightsError


def require_finite(values: Any, name: str, directory: Path, *, total: float) -> None:
    """Raise WeightsError for NaN or infinite values of a tensor or an array.

    total: a sum to which every value contributes, of values or of squares; that finds both at the cost of one pass.
    """
    if math.isfinite(total):
        return
    count = math.prod(values.shape)
    broken = count - int((abs(values) < math.inf).sum())  # the sum of large but finite values may overflow
    if broken:
        raise WeightsError(
            f"{name} in {directory} is NaN or infinite in {broken:,} of {count:,} values; expected finite ones. The "
            "training that wrote it diverged, or the file is damaged: use an earlier checkpoint."
        )


def require_tied(head: Any, embeddings: Any, directory: Path) -> None:
    """Raise WeightsError when the file has a head of its own that is not the token embeddings again."""
    different = int((head != embeddings).sum())
    if different:
        raise WeightsError(
            f"lm_head.weight in {directory} differs from transformer.wte.weight in {different:,} of "
            f"{math.prod(head.shape):,} values; in a GPT-2 they are one tied tensor. This model cannot be loaded as a "
            "GPT-2."
        )
