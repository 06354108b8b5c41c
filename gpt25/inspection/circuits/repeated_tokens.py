"""Random tokens that come twice: text on which nothing helps but looking back."""

import torch
from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.model import GPTModel

_LONGEST = 50
_FEWEST = 3


def repeated_tokens(model: GPTModel, *, rows: int = 8, length: int | None = None, seed: int = 0) -> Tensor:
    """Rows of `length` random tokens followed by the same ones: (rows, 2 * length) int64, the same for a seed.

    length: without it 50, or what fits the block size. Raises InspectionError where fewer than 3 fit, or more are asked
    for than fit.
    """
    shape = model.configuration
    fitting = shape.block_size // 2
    chosen = min(_LONGEST, fitting) if length is None else length
    if not _FEWEST <= chosen <= fitting or rows < 1:
        raise InspectionError(
            f"{rows} rows of {chosen} tokens twice were asked for; this model reads {shape.block_size:,} tokens, so "
            f"that the length must be from {_FEWEST} to {fitting:,}, and the rows at least 1."
        )
    generator = torch.Generator().manual_seed(seed)
    once = torch.randint(shape.vocabulary_size, (rows, chosen), generator=generator)  # (rows, length)
    return torch.cat([once, once], dim=1)  # (rows, 2 * length)
