import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from gpt25.evaluation import ContinuationScorer, Request
from gpt25.evaluation.protocols.last_word import LastWordItem, score_last_words, stop_word_tokens
from gpt25.evaluation.protocols.stop_words import STOP_WORDS
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer

PASSAGES = ["the cat sat on the mat", "a dog ran and then a dog slept", "I am Shane", "yes no"]


def test_a_passage_is_cut_at_its_last_space() -> None:
    assert LastWordItem.of_passage("said Shane") == LastWordItem("said", " Shane")


def test_stop_words_are_tokens_of_their_own_in_gpt2() -> None:
    gpt2 = Tokenizer.gpt2()
    words = {gpt2.decode([identifier]) for identifier in stop_word_tokens(gpt2)}
    assert {" the", " The", " and", " him", " they"} <= words
    assert {word.strip().lower() for word in words} <= STOP_WORDS
    assert " Shane" not in words
    assert " don" not in words


def test_figures_are_those_reckoned_from_transformers(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, oracle: Callable[[Sequence[Request]], Any]
) -> None:
    items = [LastWordItem.of_passage(passage) for passage in PASSAGES]
    found = {each.metric: each for each in score_last_words(items, byte_tokenizer, ContinuationScorer(tiny_model))}
    answers = oracle(
        [Request(*(tuple(byte_tokenizer.encode(text)) for text in (item.context, item.last_word))) for item in items]
    )
    nats = [-sum(log_likelihoods) for log_likelihoods, _ in answers]
    assert found["perplexity"].value == pytest.approx(math.exp(np.mean(nats)), rel=1e-4)
    assert found["accuracy"].numerators.tolist() == [all(likeliest) for _, likeliest in answers]
    assert found["accuracy_last_token"].numerators.tolist() == [likeliest[-1] for _, likeliest in answers]


def test_a_word_counts_whole_its_last_token_or_when_stop_words_are_barred(tiny_model: GPTModel) -> None:
    """Words of two bytes that the model writes, but for the token that is to be wrong."""
    context = "the cat"
    first, second = (int(token) for token in written(tiny_model, context, 2))
    runner_up = int(tiny_model(torch.tensor([list(context.encode())]))[0, -1].argsort(descending=True)[1])
    after_runner_up = written_after(tiny_model, [*context.encode(), runner_up])

    class Bytes:
        end_of_text_id = 256

        def encode(self, text: str, *, special_tokens: str = "text") -> list[int]:
            return {"": [], context: list(context.encode())}.get(text) or [
                *context.encode(), *endings[text.removeprefix(context)]
            ]  # fmt: skip

    endings = {
        " right": [first, second],
        " last": [runner_up, after_runner_up],
        " wrong": [first, (second + 1) % 257],
    }
    items = [LastWordItem(context, ending) for ending in endings]
    scorer = ContinuationScorer(tiny_model, barred=[first])
    found = {each.metric: each.numerators.tolist() for each in score_last_words(items, Bytes(), scorer)}  # type: ignore[arg-type]
    assert found["accuracy"] == [1, 0, 0]
    assert found["accuracy_last_token"] == [1, 1, 0]
    assert found["accuracy_stop_word_filter"] == [0, 1, 0]


def written_after(model: GPTModel, tokens: list[int]) -> int:
    return int(model(torch.tensor([tokens]))[0, -1].argmax())


def written(model: GPTModel, context: str, count: int) -> list[int]:
    tokens = list(context.encode())
    for _ in range(count):
        tokens.append(written_after(model, tokens))
    return tokens[-count:]
