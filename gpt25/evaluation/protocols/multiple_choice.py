"""Which of several continuations a model finds likeliest: HellaSwag, PIQA, ARC, WinoGrande, CBT and the like."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer
from gpt25.evaluation.scoring.encoding import Encoding, encode_request
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.tokenizer import Tokenizer

Normalisation = Literal["tokens", "characters"]

_HOW = {"together": "encoded with its context as one text", "apart": "encoded by itself"}
_PER = {
    "tokens": "per token of the continuation, as in llm.c and build-nanogpt",
    "characters": "per character of the answer without the space before it, as in lm-evaluation-harness",
}


def score_multiple_choice(
    items: Sequence[ChoiceItem],
    tokenizer: Tokenizer,
    scorer: ContinuationScorer,
    *,
    encoding: Encoding = "together",
    normalisation: Normalisation | None = None,
) -> list[Measurement]:
    """`accuracy`, and with a normalisation `accuracy_norm`: of equally good continuations the first one counts."""
    requests = [
        encode_request(tokenizer, context, continuation, encoding=encoding)
        for item in items
        for context, continuation in zip(item.contexts, item.continuations, strict=True)
    ]
    answers = scorer.answer(requests)
    right, right_norm = [], []
    start = 0
    for item in items:
        end = start + len(item.continuations)
        sums = np.array([answer.log_likelihood for answer in answers[start:end]])  # (choices)
        if normalisation == "tokens":
            lengths = [len(request.continuation) for request in requests[start:end]]
        else:
            lengths = [max(len(continuation.removeprefix(" ")), 1) for continuation in item.continuations]
        right.append(float(sums.argmax() == item.gold))
        right_norm.append(float((sums / lengths).argmax() == item.gold))
        start = end
    how = f"the likeliest continuation is the right one; {_HOW[encoding]}, summed log-likelihood"
    ones = np.ones(len(items))
    measurements = [Measurement("accuracy", how, np.array(right), ones)]
    if normalisation is not None:
        definition = how.replace("summed log-likelihood", f"log-likelihood {_PER[normalisation]}")
        measurements.append(Measurement("accuracy_norm", definition, np.array(right_norm), ones))
    return measurements
