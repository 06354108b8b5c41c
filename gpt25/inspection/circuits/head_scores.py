"""What every head is: one that looks at the token before, at the same token earlier, or behind it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gpt25.inspection.activations.record import record
from gpt25.inspection.circuits.repeated_tokens import repeated_tokens
from gpt25.model import GPTModel


@dataclass(frozen=True)
class HeadScores:
    """Shares of attention on random tokens that come twice, each (layers, heads), from 0 to 1."""

    previous_token: NDArray[np.float64]
    """On the token just before."""
    duplicate_token: NDArray[np.float64]
    """In the second half, on the same token in the first."""
    induction: NDArray[np.float64]
    """In the second half, on the token that followed it in the first."""
    chance: dict[str, float]
    """The three scores of a head that looks at all positions alike."""
    first_loss: float
    """Nats per token in the first half, where nothing can be known."""
    second_loss: float
    """Nats per token in the second half, where looking back tells everything."""
    length: int
    """Tokens to a half."""


def head_scores(model: GPTModel, *, rows: int = 8, length: int | None = None, seed: int = 0) -> HeadScores:
    """Score all heads of a model on `repeated_tokens`, whose arguments these are.

    Source: Olsson et al. 2022, "In-context Learning and Induction Heads", and the scores of its "prefix matching".
    """
    tokens = repeated_tokens(model, rows=rows, length=length, seed=seed)  # (rows, 2 * length)
    half = tokens.size(1) // 2
    found = record(model, tokens, ["*.pattern", "language_modeling_head"])
    logits = found.pop("language_modeling_head").float()[:, :-1]  # (rows, 2 * length - 1, vocabulary)
    following = tokens[:, 1:].to(logits.device)  # (rows, 2 * length - 1)
    losses = functional.cross_entropy(logits.transpose(1, 2), following, reduction="none")  # (rows, 2 * length - 1)
    scores = [[_stripe(pattern, back, first) for back, first in _stripes(half)] for pattern in found.values()]
    by_kind = np.array(scores).transpose(1, 0, 2)  # (3, layers, heads)
    even = 1 / np.arange(1, 2 * half + 1)  # what a head that looks everywhere gives each position it sees
    return HeadScores(
        previous_token=by_kind[0],
        duplicate_token=by_kind[1],
        induction=by_kind[2],
        chance={
            "previous_token": float(even[1:].mean()),
            "duplicate_token": float(even[half:].mean()),
            "induction": float(even[half:].mean()),
        },
        first_loss=float(losses[:, : half - 1].mean()),
        second_loss=float(losses[:, half:].mean()),
        length=half,
    )


def _stripes(half: int) -> list[tuple[int, int]]:
    """How far back each kind of head looks, and from which position on that can be seen."""
    return [(1, 1), (half, half), (half - 1, half)]


def _stripe(pattern: Tensor, back: int, first: int) -> NDArray[np.float64]:
    """The mean weight on the position `back` before, from `first` on: (rows, heads, time, time) -> (heads)."""
    stripe = pattern.diagonal(-back, dim1=2, dim2=3)[..., first - back :]  # (rows, heads, positions)
    return stripe.double().mean((0, 2)).cpu().numpy()
