import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from gpt25.errors import EvaluationError
from gpt25.evaluation import ContinuationScorer, Request
from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.protocols.minimal_pairs import score_minimal_pairs
from gpt25.evaluation.protocols.multiple_choice import score_multiple_choice
from gpt25.evaluation.scoring.encoding import encode_request
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer

WORDS = ["the", "a", "cat", "dog", "sat", "ran", "on", "under", "mat", "tree", "and", "then", "slept", "happily"]


def items(count: int = 40) -> list[ChoiceItem]:
    chance = random.Random(2)

    def phrase(longest: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randrange(1, longest)))

    return [
        ChoiceItem.of_one_context(phrase(7), [f" {phrase(5)}" for _ in range(4)], chance.randrange(4))
        for _ in range(count)
    ]


@pytest.mark.parametrize("encoding", ["together", "apart"])
@pytest.mark.parametrize("normalisation", ["tokens", "characters"])
def test_accuracies_are_those_reckoned_from_transformers(
    tiny_model: GPTModel,
    byte_tokenizer: Tokenizer,
    oracle: Callable[[Sequence[Request]], Any],
    encoding: Any,
    normalisation: Any,
) -> None:
    right, right_norm = [], []
    for item in items():
        requests = [
            encode_request(byte_tokenizer, context, continuation, encoding=encoding)
            for context, continuation in zip(item.contexts, item.continuations, strict=True)
        ]
        sums = [sum(log_likelihoods) for log_likelihoods, _ in oracle(requests)]
        lengths = [len(text) if normalisation == "tokens" else len(text) - 1 for text in item.continuations]
        right.append(np.argmax(sums) == item.gold)
        right_norm.append(np.argmax(np.array(sums) / lengths) == item.gold)
    accuracy, accuracy_norm = score_multiple_choice(
        items(),
        byte_tokenizer,
        ContinuationScorer(tiny_model),
        encoding=encoding,
        normalisation=normalisation,
    )
    assert accuracy.numerators.tolist() == right
    assert accuracy_norm.numerators.tolist() == right_norm
    assert 0 < accuracy.value < 1
    assert accuracy.value != accuracy_norm.value
    assert f"per {normalisation[:-1]}" in accuracy_norm.definition


def test_without_a_normalisation_there_is_one_figure(tiny_model: GPTModel, byte_tokenizer: Tokenizer) -> None:
    (accuracy,) = score_multiple_choice(items(3), byte_tokenizer, ContinuationScorer(tiny_model))
    assert (accuracy.metric, accuracy.number_of_items) == ("accuracy", 3)


def test_the_first_of_equal_choices_counts(tiny_model: GPTModel, byte_tokenizer: Tokenizer) -> None:
    same = [ChoiceItem.of_one_context("cat", [" sat", " sat"], gold) for gold in (0, 1)]
    (accuracy,) = score_multiple_choice(same, byte_tokenizer, ContinuationScorer(tiny_model))
    assert accuracy.numerators.tolist() == [1, 0]


def test_minimal_pairs_have_a_figure_for_every_paradigm(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, oracle: Callable[[Sequence[Request]], Any]
) -> None:
    sentences = [f" {' '.join(item.contexts[0].split())}" for item in items(20)]
    pairs = [
        ChoiceItem(("", ""), pair, 0, group=group)
        for pair, group in zip(zip(sentences[::2], sentences[1::2], strict=True), "aabbabbbaa", strict=True)
    ]
    whole, *parts = score_minimal_pairs(pairs, byte_tokenizer, ContinuationScorer(tiny_model))
    for pair, right in zip(pairs, whole.numerators, strict=True):
        requests = [Request((256,), tuple(byte_tokenizer.encode(text))) for text in pair.continuations]
        good, bad = (sum(log_likelihoods) for log_likelihoods, _ in oracle(requests))
        assert right == (good >= bad)
    assert [part.metric for part in parts] == ["accuracy of a", "accuracy of b"]
    assert [part.number_of_items for part in parts] == [5, 5]
    assert whole.value == pytest.approx(np.mean([part.value for part in parts]))


@pytest.mark.parametrize("gold", [-1, 2])
def test_an_answer_that_is_none_of_the_choices_is_refused(gold: int) -> None:
    with pytest.raises(EvaluationError, match=f"2 contexts, 2 continuations and the answer {gold}"):
        ChoiceItem.of_one_context("cat", [" sat", " ran"], gold)
