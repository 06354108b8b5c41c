"""How likely a model finds given next tokens, without the logits of its whole vocabulary in memory."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# On a processor 16 MiB of float32, which stay in its caches: 1,200 positions of the 124M take 1.1 s in slices of 2,048
# and 1.6 s with the whole vocabulary at once, on one core. On a GPU 1 GiB.
_POSITIONS, _POSITIONS_ELSEWHERE = {"cpu": 2048}, 8192
_SLICE, _SLICE_ELSEWHERE = {"cpu": 2048}, 32_768


@dataclass(frozen=True)
class TargetScores:
    """Of every target its log-likelihood in nats, whether it is the likeliest, and whether so of the allowed ones."""

    log_likelihoods: Tensor
    """(targets), float32"""
    likeliest: Tensor
    """(targets), bool; of equally likely tokens the one with the smallest id"""
    allowed: Tensor
    """(targets), bool"""


def score_targets(hidden: Tensor, indices: Tensor, targets: Tensor, *, head: Tensor, barred: Tensor) -> TargetScores:
    """Score next tokens, slice by slice of the vocabulary, with running maxima and normalizers.

    hidden: what the head reads (positions, channels). indices: of the position that predicts each target (targets).
    targets: token ids (targets). head: (vocabulary, channels). barred: ids that `allowed` leaves out (barred).
    Source: Milakov and Gimelshein 2018, "Online normalizer calculation for softmax", section 3.
    """
    at_once = _POSITIONS.get(hidden.device.type, _POSITIONS_ELSEWHERE)
    width = _SLICE.get(hidden.device.type, _SLICE_ELSEWHERE)
    log_likelihoods = torch.zeros(len(targets), device=hidden.device)  # (targets)
    likeliest = torch.zeros(len(targets), dtype=torch.bool, device=hidden.device)  # (targets)
    allowed = torch.zeros_like(likeliest)  # (targets)
    is_barred = torch.zeros(len(head), dtype=torch.bool, device=hidden.device).index_fill_(0, barred, True)
    # Masks and clamped indices instead of boolean indexing, for which the host would have to synchronise.
    for start in range(0, len(hidden), at_once):
        some = hidden[start : start + at_once]  # (some, channels)
        in_slice = (indices >= start) & (indices < start + len(some))  # (targets)
        index = (indices - start).clamp(0, len(some) - 1)  # (targets)
        target_logit = torch.zeros(len(targets), device=hidden.device)  # (targets)
        maximum, maximum_allowed = _RunningMaximum.initial(some), _RunningMaximum.initial(some)
        normalizer = torch.zeros(len(some), device=hidden.device)  # (some); of exp(logit - maximum)
        for first in range(0, len(head), width):
            logits = functional.linear(some, head[first : first + width]).float()  # (some, width)
            inside = (targets >= first) & (targets < first + width)  # (targets)
            column = (targets - first).clamp(0, logits.size(1) - 1)  # (targets)
            target_logit = torch.where(inside, logits[index, column], target_logit)
            before = maximum
            maximum = before.update(logits, first)
            if len(barred):
                out = is_barred[first : first + width]  # (width)
                maximum_allowed = maximum_allowed.update(logits.masked_fill(out, -torch.inf), first)
            normalizer = normalizer * (before.logit - maximum.logit).exp()
            normalizer += logits.sub_(maximum.logit[:, None]).exp_().sum(dim=1)
        log_likelihood = target_logit - (maximum.logit + normalizer.log())[index]  # (targets)
        best_allowed = maximum_allowed if len(barred) else maximum
        log_likelihoods = torch.where(in_slice, log_likelihood, log_likelihoods)
        likeliest = torch.where(in_slice, maximum.token[index] == targets, likeliest)
        allowed = torch.where(in_slice, best_allowed.token[index] == targets, allowed)
    return TargetScores(log_likelihoods, likeliest, allowed)


@dataclass(frozen=True)
class _RunningMaximum:
    """The largest logit of every position so far, and whose it is."""

    logit: Tensor
    """(positions), float32"""
    token: Tensor
    """(positions)"""

    @classmethod
    def initial(cls, hidden: Tensor) -> "_RunningMaximum":
        logit = torch.full((len(hidden),), -torch.inf, device=hidden.device)  # (positions)
        return cls(logit, torch.zeros_like(logit, dtype=torch.int64))

    def update(self, logits: Tensor, first: int) -> "_RunningMaximum":
        """The same with the logits (positions, some) of the tokens from `first` on read too."""
        logit, place = logits.max(dim=1)  # (positions)
        is_higher = logit > self.logit
        return _RunningMaximum(
            torch.where(is_higher, logit, self.logit), torch.where(is_higher, place + first, self.token)
        )
