"""From logits to what each token weighs in the draw."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gpt25.generation.sampling_settings import SamplingSettings
from gpt25.runtime import kept_on_device

# A nucleus is nearly always found among this many of the likeliest tokens, without sorting the whole vocabulary.
_FIRST_CANDIDATES = 512


def token_weights(logits: Tensor, settings: Sequence[SamplingSettings]) -> Tensor:
    """Weigh every token by temperature, top_k, top_p and min_p.

    logits: (rows, vocabulary) float32, penalties applied, the largest of every row finite.
    settings: one per row, none of them greedy.
    Returns (rows, vocabulary) float32: proportional to the probabilities, the likeliest token 1, those left out 0.

    Every filter keeps the tokens above some score, so each is one threshold per row. Tokens of equal score stay or go
    together: what is drawn depends neither on the order in which a sort leaves equals nor on the rows beside it.
    """
    # The largest becomes 0 before the division, so that no temperature makes an infinity of it. Temperature changes no
    # order, so top_k may come before it, where the scores still differ whatever the temperature.
    scores = logits - logits.amax(-1, keepdim=True)  # (rows, vocabulary)
    _keep_top_k(scores, [setting.top_k for setting in settings])
    scores /= _column([setting.bounded_temperature for setting in settings], scores)
    _keep_top_p(scores, [setting.top_p for setting in settings])
    weights = scores.exp()  # (rows, vocabulary)
    if any(setting.min_p for setting in settings):
        smallest = _column([setting.min_p or 0.0 for setting in settings], weights)  # (rows, 1)
        weights.masked_fill_(weights < smallest, 0.0)
    return weights


def _keep_top_k(scores: Tensor, top_k: Sequence[int | None]) -> None:
    """Make -infinity of all but the k largest scores (rows, vocabulary) of each row, in place; None keeps the row."""
    vocabulary_size = scores.size(-1)
    wanted = [k if k is not None and k < vocabulary_size else 0 for k in top_k]  # 0: the whole row
    if not any(wanted):
        return
    largest = scores.topk(max(wanted), dim=-1).values  # (rows, largest k)
    last = _column([max(k - 1, 0) for k in wanted], scores, dtype=torch.int64)  # (rows, 1)
    threshold = largest.gather(-1, last)  # (rows, 1)
    keeps_all = _column([k == 0 for k in wanted], scores, dtype=torch.bool)  # (rows, 1)
    _keep_from(scores, threshold.masked_fill(keeps_all, -math.inf))


def _keep_top_p(scores: Tensor, top_p: Sequence[float | None]) -> None:
    """Make -infinity of all but the nucleus of the scores (rows, vocabulary), in place; None and 1 keep the row."""
    rows = [row for row, p in enumerate(top_p) if p is not None and p < 1]
    if not rows:
        return
    index = kept_on_device(rows, scores.device, dtype=torch.int64)  # (filtered rows)
    chosen = scores if len(rows) == len(top_p) else scores[index]  # (filtered rows, vocabulary)
    wanted = _column([p for p in top_p if p is not None and p < 1], chosen, dtype=torch.float64)  # (filtered rows, 1)
    wanted = wanted * chosen.exp().sum(-1, keepdim=True, dtype=torch.float64)
    is_gpu = chosen.device.type == "cuda"  # which sorts faster than the host could ask how the first look went
    if not is_gpu:
        largest = chosen.topk(
            min(_FIRST_CANDIDATES, chosen.size(-1)), dim=-1
        ).values  # (filtered rows, first candidates)
        cumulative = largest.exp().cumsum(-1, dtype=torch.float64)
    if is_gpu or bool((cumulative[:, -1:] < wanted).any()):
        largest = chosen.sort(dim=-1, descending=True).values  # (filtered rows, vocabulary)
        cumulative = largest.exp().cumsum(-1, dtype=torch.float64)
    # The nucleus ends with the first token that reaches the wanted sum; rounding may keep even the last from it.
    last = (cumulative < wanted).sum(-1, keepdim=True).clamp(max=largest.size(-1) - 1)  # (filtered rows, 1)
    threshold = scores.new_full((scores.size(0), 1), -math.inf)  # (rows, 1)
    threshold[index] = largest.gather(-1, last)
    _keep_from(scores, threshold)


def _keep_from(scores: Tensor, threshold: Tensor) -> None:
    """Make -infinity of the scores (rows, vocabulary) below the threshold (rows, 1), in place."""
    scores.masked_fill_(scores < threshold, -math.inf)


def _column(values: Sequence[float], like: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:
    """Settings, one per row, as a tensor (rows, 1) beside `like`, which must not be changed."""
    return kept_on_device(values, like.device, dtype=dtype or like.dtype).unsqueeze(-1)
