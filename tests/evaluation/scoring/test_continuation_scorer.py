import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gpt25.errors import EvaluationError
from gpt25.evaluation import ContinuationScorer, Request
from gpt25.model import GPTModel, PrefixTrees

Oracle = Callable[[Sequence[Request]], list[Any]]


def hostile_requests() -> list[Request]:
    """Shared contexts, equal requests, single tokens, nothing in common, whole blocks, and more than a block."""
    chance = random.Random(5)

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(chance.randrange(257) for _ in range(count))

    requests = []
    for length in (1, 2, 9, 9, 30, 31, 40, 63, 64, 90):
        context = tokens(length)
        requests += [Request(context, tokens(chance.randrange(1, 20))) for _ in range(4)]
    question = tokens(20)
    requests += [Request(question, (answer,)) for answer in (65, 66, 67)]
    requests += [Request(question + tokens(2), question[:5]) for _ in range(3)]
    requests += [requests[0], requests[-1], Request(tokens(1), tokens(64)), Request(tokens(30), tokens(64))]
    chance.shuffle(requests)
    return requests


def figures(scorer: ContinuationScorer, requests: Sequence[Request]) -> list[float]:
    return [number for answer in scorer.answer(requests) for number in answer.token_log_likelihoods]


def test_log_likelihoods_are_those_of_transformers(tiny_model: GPTModel, oracle: Oracle) -> None:
    requests = hostile_requests()
    answers = ContinuationScorer(tiny_model).answer(requests)
    for answer, request, (log_likelihoods, likeliest) in zip(answers, requests, oracle(requests), strict=True):
        assert answer.token_log_likelihoods == pytest.approx(log_likelihoods, abs=2e-4)
        assert answer.log_likelihood == pytest.approx(sum(log_likelihoods), abs=1e-3)
        assert answer.is_likeliest == likeliest == answer.is_likeliest_allowed
        assert len(answer.token_log_likelihoods) == len(request.continuation)


def test_a_greedy_continuation_is_one_that_the_model_writes(tiny_model: GPTModel) -> None:
    context, written = (10, 20, 30), []
    for _ in range(4):
        tokens = torch.tensor([[*context, *written]])
        written.append(int(tiny_model(tokens)[0, -1].argmax()))
    other = [*written[:3], (written[3] + 1) % 257]
    answers = ContinuationScorer(tiny_model).answer([Request(context, tuple(written)), Request(context, tuple(other))])
    assert [answer.is_greedy for answer in answers] == [True, False]


@pytest.mark.parametrize("batch_tokens", [1, 7, 64, 300, 100_000])
def test_the_answers_do_not_depend_on_the_batch_size(tiny_model: GPTModel, batch_tokens: int) -> None:
    requests = hostile_requests()
    usual = figures(ContinuationScorer(tiny_model), requests)
    assert figures(ContinuationScorer(tiny_model, batch_tokens=batch_tokens), requests) == pytest.approx(
        usual, abs=2e-4
    )


def test_the_same_twice_to_the_last_bit(tiny_model: GPTModel) -> None:
    requests = hostile_requests()
    scorer = ContinuationScorer(tiny_model)
    assert figures(scorer, requests) == figures(scorer, requests)


def test_barred_tokens_are_left_out_of_what_is_likeliest(tiny_model: GPTModel) -> None:
    context = (1, 2, 3)
    order = tiny_model(torch.tensor([context]))[0, -1].argsort(descending=True).tolist()
    requests = [Request(context, (token,)) for token in order[:3]]
    answers = ContinuationScorer(tiny_model, barred=[order[0]]).answer(requests)
    assert [list(answer.is_likeliest) for answer in answers] == [[True], [False], [False]]
    assert [list(answer.is_likeliest_allowed) for answer in answers] == [[False], [True], [False]]
    plain = ContinuationScorer(tiny_model).answer(requests)
    assert [answer.log_likelihood for answer in answers] == [answer.log_likelihood for answer in plain]


def test_what_is_shared_is_read_once_and_nothing_is_padded(
    tiny_model: GPTModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    states = PrefixTrees.hidden_states

    def watched(self: PrefixTrees, model: GPTModel, wanted: torch.Tensor) -> torch.Tensor:
        read.append((len(self.indices), len(wanted)))
        return states(self, model, wanted)

    monkeypatch.setattr(PrefixTrees, "hidden_states", watched)
    context = tuple(range(50))
    requests = [Request(context, (ending,) * (4 + ending)) for ending in (1, 2, 3, 4)]
    ContinuationScorer(tiny_model).answer([*requests, Request((9, 8, 7), (6,))])
    # Of each ending the last token is only predicted; the token before all four is asked once for all.
    assert read == [(50 + 4 + 5 + 6 + 7, 1 + 4 + 5 + 6 + 7), (3, 1)]


def test_the_model_stays_in_its_mode(tiny_model: GPTModel) -> None:
    tiny_model.train()
    try:
        ContinuationScorer(tiny_model).answer([Request((1,), (2,))])
        assert tiny_model.training
    finally:
        tiny_model.eval()


def test_progress_counts_every_request(tiny_model: GPTModel) -> None:
    requests = hostile_requests()
    steps: list[int] = []
    opened = []

    @contextlib.contextmanager
    def open_progress(description: str, total: int, unit: str) -> Iterator[Any]:
        opened.append((description, total, unit))
        yield SimpleNamespace(advance=steps.append)

    ContinuationScorer(tiny_model, open_progress=open_progress).answer(requests)
    assert opened == [("scoring", len(requests), "requests")]
    assert sum(steps) == len(requests)


def test_nothing_asked_is_nothing_answered(tiny_model: GPTModel) -> None:
    assert ContinuationScorer(tiny_model).answer([]) == []


def test_what_cannot_be_asked_is_refused_with_the_numbers(tiny_model: GPTModel) -> None:
    with pytest.raises(EvaluationError, match="0 tokens of context and 1 to score; both need at least one"):
        Request((), (1,))
    scorer = ContinuationScorer(tiny_model)
    with pytest.raises(EvaluationError, match="continuation of 65 tokens is longer than the model's block size of 64"):
        scorer.answer([Request((1,), (2,) * 65)])
    with pytest.raises(EvaluationError, match="token id 300 is beyond the model's vocabulary of 257"):
        scorer.answer([Request((1,), (300,))])
    with pytest.raises(EvaluationError, match="batch_tokens is 0; a pass reads at least 1 token"):
        ContinuationScorer(tiny_model, batch_tokens=0)
