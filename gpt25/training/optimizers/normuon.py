"""NorMuon's normalisation: rows of the update with a large running mean square are scaled down, others up."""

import torch
from torch import Tensor

_EPSILON = 1e-8


def normuon_normalise(updates: Tensor, second_moments: list[Tensor], *, beta_2: float) -> Tensor:
    """Divide every row by the root of its running mean square, and give each matrix its old norm back.

    updates: (count, rows, columns), a row for each neuron; second_moments: `count` tensors (rows,), which take in the
    updates' mean squares with a weight of 1 - beta_2. Returns (count, rows, columns) with the Frobenius norms of
    `updates`; zeros stay zeros.

    Source: Li et al. 2025, "NorMuon: Making Muon more efficient and scalable", algorithm 1. There the norm becomes
    that of a matrix whose root mean square is 0.2, which Muon's factor gives orthogonal matrices anyway; here an update
    of low rank keeps its small norm.
    """
    squares = updates.square().mean(dim=-1)  # (count, rows)
    torch._foreach_lerp_(second_moments, list(squares.unbind()), 1 - beta_2)
    factors = 1 / (torch.stack(second_moments).sqrt() + _EPSILON)  # (count, rows)
    # The norms come from the rows' mean squares, without another pass over the matrices.
    before = squares.sum(dim=-1, keepdim=True).sqrt()  # (count, 1)
    after = (squares * factors.square()).sum(dim=-1, keepdim=True).sqrt()  # (count, 1)
    factors = factors * (before / after.clamp_min(1e-12))  # (count, rows)
    return updates * factors.unsqueeze(-1)  # (count, rows, columns)
