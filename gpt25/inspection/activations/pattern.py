"""Attention weights from queries and keys."""

import math

import torch
from torch import Tensor


def pattern_of(query: Tensor, key: Tensor) -> Tensor:
    """Attention weights over the past in float32: two of (..., time, head size) -> (..., time, time).

    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1.
    """
    scores = query.float() @ key.float().mT / math.sqrt(query.size(-1))  # (..., time, time)
    future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)  # (time, time)
    return scores.masked_fill(future, -math.inf).softmax(-1)
