"""Weight decay that never works against the update."""

import torch
from torch import Tensor


def cautious_weight_decay(
    weights: list[Tensor], updates: list[Tensor], *, before: list[Tensor], amount: float | Tensor
) -> None:
    """Take amount * before from every weight whose `before` its update does not enlarge: where their product is >= 0.

    weights: changed in place; updates: what is subtracted from them, in any positive scale, since signs alone count;
    before: the weights that the update was computed for, which may be `weights` themselves; all of the same shapes.
    amount: learning rate times decay, a tensor () on their device or a float. Example: of weights (2, -2, 2) with
    updates (1, 1, 0), an amount of 0.5 leaves (1, -2, 1).

    Source: Chen et al. 2025, "Cautious Weight Decay", algorithm 1: x <- x - rate (u + decay 1[u x >= 0] x).
    """
    decay = torch._foreach_sign(updates)
    torch._foreach_mul_(decay, before)  # the sign times the weight, because update times weight could underflow to 0
    torch._foreach_sign_(decay)
    torch._foreach_add_(decay, 1.0)
    torch._foreach_clamp_max_(decay, 1.0)  # 0 where the signs differ, 1 elsewhere
    torch._foreach_mul_(decay, before)
    torch._foreach_mul_(decay, amount)
    torch._foreach_sub_(weights, decay)
