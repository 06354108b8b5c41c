"""One step of sampling: from the logits of many rows to one token id for each."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gpt25.errors import GenerationError
from gpt25.generation.history import History
from gpt25.generation.penalties import apply_penalties
from gpt25.generation.sampling_settings import SamplingSettings
from gpt25.generation.token_weights import token_weights


def sample_next(
    logits: Tensor,
    *,
    settings: Sequence[SamplingSettings],
    histories: Sequence[History],
    uniforms: Sequence[float],
) -> Tensor:
    """Choose the next token of every row; a pure function that leaves `logits` as they are.

    logits: (rows, vocabulary), any floating-point type; the arithmetic is float32, sums are float64.
    settings, histories: one per row; rows may differ in every setting.
    uniforms: one number per row from 0 up to but not including 1; a greedy row's is not looked at.
    Returns ids (rows) int64. The id of a row is the inverse of the cumulative distribution, in the order of ids, at
    the row's uniform, so it depends on that row alone: weights .25, .25, .5 and the uniform .3 give id 1.
    Raises GenerationError when a row's logits hold NaN or infinity where the largest should be.
    """
    scores = logits.to(torch.float32, copy=True)  # (rows, vocabulary)
    _require_finite(scores)
    apply_penalties(scores, settings, histories)
    greedy = [setting.is_greedy for setting in settings]
    if all(greedy):
        return scores.argmax(-1)  # (rows)
    if not any(greedy):
        return _draw(scores, settings, uniforms)
    ids = scores.argmax(-1)  # (rows)
    drawn = [row for row, takes_likeliest in enumerate(greedy) if not takes_likeliest]
    index = torch.tensor(drawn, device=ids.device)  # (drawn rows)
    ids[index] = _draw(scores[index], [settings[row] for row in drawn], [uniforms[row] for row in drawn])
    return ids


def _draw(scores: Tensor, settings: Sequence[SamplingSettings], uniforms: Sequence[float]) -> Tensor:
    """Ids (rows) drawn by inverting the cumulative distribution of the scores (rows, vocabulary)."""
    cumulative = token_weights(scores, settings).cumsum(-1, dtype=torch.float64)  # (rows, vocabulary)
    total = cumulative[:, -1:]  # (rows, 1)
    uniform = torch.tensor(uniforms, dtype=torch.float64, device=scores.device).unsqueeze(-1)  # (rows, 1)
    # Below the total even where the product rounds up, so that a token with weight is found.
    target = torch.minimum(uniform * total, total.nextafter(torch.zeros_like(total)))  # (rows, 1)
    return torch.searchsorted(cumulative, target, right=True).squeeze(-1)  # (rows)


def _require_finite(scores: Tensor) -> None:
    """Refuse rows whose largest score is no finite number; a single -infinity is only a token of probability 0."""
    finite = scores.amax(-1).isfinite()  # (rows); NaN anywhere in a row makes its largest NaN
    if not bool(finite.all()):
        rows = (~finite).nonzero().flatten().tolist()
        raise GenerationError(
            f"the model's logits are not finite in row(s) {', '.join(map(str, rows))} of {len(finite)}; its weights "
            "hold NaN or infinity, or overflow in this precision: use float32, or an earlier checkpoint."
        )
