"""Whether a model finds the grammatical one of two sentences likelier: BLiMP."""

from collections.abc import Sequence

import numpy as np

from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.protocols.multiple_choice import score_multiple_choice
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.tokenizer import Tokenizer


def score_minimal_pairs(
    items: Sequence[ChoiceItem], tokenizer: Tokenizer, scorer: ContinuationScorer
) -> list[Measurement]:
    """`accuracy` over all pairs, and `accuracy of GROUP` for every kind of pair, in the order of the data."""
    (overall,) = score_multiple_choice(items, tokenizer, scorer)
    definition = "the good sentence is likelier than the bad one, as a whole, after the token between documents"
    groups: dict[str, list[float]] = {}
    for item, right in zip(items, overall.numerators, strict=True):
        groups.setdefault(item.group, []).append(float(right))
    measurements = [Measurement("accuracy", definition, overall.numerators, overall.denominators)]
    if len(groups) > 1:
        for group, right_ones in groups.items():
            ones = np.ones(len(right_ones))
            measurements.append(Measurement(f"accuracy of {group}", definition, np.array(right_ones), ones))
    return measurements
