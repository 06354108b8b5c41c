"""How likely tokens were, each row by itself."""

import torch
from torch import Tensor

from gpt25.generation.piece import TokenProbability


def token_probability(logits: Tensor, token_id: int, *, likeliest: int) -> TokenProbability:
    """The log-probability of a token by logits (vocabulary) as the model gave them, and of as many likeliest tokens.

    Sums are float64, over this row alone, so that the company in a step makes no difference. Of equally likely tokens
    the one with the smaller id comes first.
    """
    scores = logits.double()  # (vocabulary)
    normaliser = torch.logsumexp(scores, 0)
    values, ids = scores.topk(min(likeliest, len(scores))) if likeliest else (scores[:0], torch.empty(0))
    pairs = sorted(zip((values - normaliser).tolist(), ids.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
    own = (scores[token_id] - normaliser).item()
    return TokenProbability(token_id, own, tuple((int(token), value) for value, token in pairs))
