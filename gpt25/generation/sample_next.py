"""One step of sampling: from the logits of many rows to one token id for each."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gpt25.generation.history import History
from gpt25.generation.not_drawn import NOT_DRAWN, require_drawn
from gpt25.generation.penalties import apply_penalties
from gpt25.generation.sampling_settings import SamplingSettings
from gpt25.generation.token_weights import token_weights
from gpt25.runtime import kept_on_device, to_device


def sample_next(
    logits: Tensor,
    *,
    settings: Sequence[SamplingSettings],
    histories: Sequence[History],
    uniforms: Sequence[float],
) -> Tensor:
    """Choose the next token of every row as `draw_next` does; waits for the device.

    Raises GenerationError when a row's logits hold NaN or infinity where the largest should be.
    """
    ids = draw_next(logits, settings=settings, histories=histories, uniforms=uniforms)
    require_drawn(ids.tolist())
    return ids


def draw_next(
    logits: Tensor,
    *,
    settings: Sequence[SamplingSettings],
    histories: Sequence[History],
    uniforms: Sequence[float],
) -> Tensor:
    """Choose the next token of every row; a pure function that leaves `logits` as they are and never waits for a GPU.

    logits: (rows, vocabulary), any floating-point dtype; the arithmetic is float32, sums are float64.
    settings, histories: one per row; rows may differ in every setting.
    uniforms: one number per row from 0 up to but not including 1; a greedy row's is not looked at.
    Returns ids (rows) int64. The id of a row is the inverse of the cumulative distribution, in the order of ids, at
    the row's uniform, so it depends on that row alone: weights .25, .25, .5 and the uniform .3 give id 1. A row whose
    largest logit is no finite number has NOT_DRAWN, which `require_drawn` refuses.
    """
    scores = logits.to(torch.float32, copy=True)  # (rows, vocabulary)
    finite = scores.amax(-1).isfinite()  # (rows); NaN anywhere in a row makes its largest NaN
    ids = _chosen(scores, settings, histories, uniforms)  # (rows)
    return torch.where(finite, ids, NOT_DRAWN)


def _chosen(
    scores: Tensor,
    settings: Sequence[SamplingSettings],
    histories: Sequence[History],
    uniforms: Sequence[float],
) -> Tensor:
    """Ids (rows) by the scores (rows, vocabulary), which are changed."""
    apply_penalties(scores, settings, histories)
    greedy = [setting.is_greedy for setting in settings]
    if all(greedy):
        return scores.argmax(-1)  # (rows)
    if not any(greedy):
        return _draw(scores, settings, uniforms)
    ids = scores.argmax(-1)  # (rows)
    drawn = [row for row, is_greedy in enumerate(greedy) if not is_greedy]
    index = kept_on_device(drawn, ids.device, dtype=torch.int64)  # (drawn rows)
    ids[index] = _draw(scores[index], [settings[row] for row in drawn], [uniforms[row] for row in drawn])
    return ids


def _draw(scores: Tensor, settings: Sequence[SamplingSettings], uniforms: Sequence[float]) -> Tensor:
    """Ids (rows) drawn by inverting the cumulative distribution of the scores (rows, vocabulary)."""
    cumulative = token_weights(scores, settings).cumsum(-1, dtype=torch.float64)  # (rows, vocabulary)
    total = cumulative[:, -1:]  # (rows, 1)
    uniform = to_device(uniforms, scores.device, dtype=torch.float64).unsqueeze(-1)  # (rows, 1)
    # Below the total even where the product rounds up, so that a token with weight is found.
    target = torch.minimum(uniform * total, total.nextafter(torch.zeros_like(total)))  # (rows, 1)
    return torch.searchsorted(cumulative, target, right=True).squeeze(-1)  # (rows)
