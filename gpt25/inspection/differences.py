"""How two checkpoints differ, tensor by tensor."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.model import GPTConfiguration, GPTModel

_BLOCK = re.compile(r"transformer\.hidden\.(\d+)\.(.+)")
_SHAPE = (
    "block_size",
    "vocabulary_size",
    "number_of_layers",
    "number_of_heads",
    "number_of_embedding_dimensions",
)


@dataclass(frozen=True)
class TensorDifference:
    """One tensor of two models."""

    name: str
    """Our name of it."""
    layer: int | None
    """The number of its block, counted from 0; None outside the blocks."""
    part: str
    """Its name without the block: "attention.projection.weight"."""
    norm_a: float
    """Root of the sum of squares in the first model (Frobenius norm)."""
    norm_b: float
    norm_of_difference: float
    """Of the second minus the first."""
    cosine: float
    """Of the two tensors as vectors: 1 for the same direction; NaN where one of them is all zeros."""
    singular_values_a: NDArray[np.float64] | None
    """(smaller side), largest first; None for a vector."""
    singular_values_b: NDArray[np.float64] | None

    @property
    def relative_change(self) -> float:
        """The norm of the difference over that of the first; 0 for equal tensors, infinite from zeros to others."""
        if self.norm_of_difference == 0:
            return 0.0
        return self.norm_of_difference / self.norm_a if self.norm_a else float("inf")


def differences(
    model_a: GPTModel, model_b: GPTModel, *, progress: Callable[[int], None] | None = None
) -> list[TensorDifference]:
    """Compare every tensor of two models of one shape, in the order in which data meets them; the tied head once.

    progress: called with 1 after each tensor. Raises InspectionError where the shapes differ.
    """
    _require_same_shape(model_a.configuration, model_b.configuration)
    others = dict(model_b.named_parameters())
    found = []
    for name, parameter in model_a.named_parameters():
        found.append(_difference(name, parameter.detach(), others[name].detach()))
        if progress is not None:
            progress(1)
    return found


def _difference(name: str, a: Tensor, b: Tensor) -> TensorDifference:
    """Compare one tensor in float64, so that nearly equal ones are told apart."""
    a, b = a.cpu().double(), b.cpu().double()
    in_block = _BLOCK.fullmatch(name)
    norm_a, norm_b = float(a.norm()), float(b.norm())
    product = float((a * b).sum())
    return TensorDifference(
        name=name,
        layer=int(in_block[1]) if in_block else None,
        part=in_block[2] if in_block else name.removeprefix("transformer."),
        norm_a=norm_a,
        norm_b=norm_b,
        norm_of_difference=float((b - a).norm()),
        cosine=max(-1.0, min(1.0, product / (norm_a * norm_b))) if norm_a and norm_b else float("nan"),
        singular_values_a=_singular_values(a) if a.dim() == 2 else None,
        singular_values_b=_singular_values(b) if b.dim() == 2 else None,
    )


def _singular_values(matrix: Tensor) -> NDArray[np.float64]:
    """Singular values, largest first: (rows, columns) -> (smaller side).

    Roots of the eigenvalues of the smaller product of the matrix with itself: several times faster than a singular
    value decomposition, and in float64 exact to about 1e-8 of the largest.
    """
    wide = matrix if matrix.size(0) <= matrix.size(1) else matrix.t()  # (smaller side, larger side)
    eigenvalues = torch.linalg.eigvalsh(wide @ wide.t())  # (smaller side), ascending
    return eigenvalues.clamp_min(0).sqrt().flip(0).numpy()


def _require_same_shape(a: GPTConfiguration, b: GPTConfiguration) -> None:
    unlike = [
        f"{field} {getattr(a, field):,} and {getattr(b, field):,}"
        for field in _SHAPE
        if getattr(a, field) != getattr(b, field)
    ]
    if unlike:
        raise InspectionError(
            f"the two models differ in shape: {', '.join(unlike)}. Only tensors of one shape can be compared one by "
            "one; name two checkpoints of one run, or two models of one size."
        )
