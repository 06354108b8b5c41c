"""Scores of heads: planted ones must have theirs, and all are what transformers' patterns say."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from gpt25.errors import InspectionError
from gpt25.inspection import head_scores, repeated_tokens
from gpt25.model import GPTModel


def test_planted_heads_are_what_they_were_set_to_be(planted: GPTModel) -> None:
    scores = head_scores(planted, rows=64)
    assert scores.length == 12
    assert scores.previous_token[0, 0] > 0.99
    assert scores.duplicate_token[0, 1] > 0.5, "random tokens also come twice within a half"
    assert scores.induction[1, 0] > 0.5
    for found, place in (
        (scores.previous_token, (0, 0)),
        (scores.duplicate_token, (0, 1)),
        (scores.induction, (1, 0)),
    ):
        others = np.delete(found.ravel(), np.ravel_multi_index(place, found.shape))
        assert others.max() < 0.3
        assert np.unravel_index(found.argmax(), found.shape) == place
    for found, chance in zip(
        (scores.previous_token, scores.duplicate_token, scores.induction), scores.chance.values(), strict=True
    ):
        assert found[1, 1] == pytest.approx(chance), "the head that looks everywhere alike"
    assert scores.second_loss < scores.first_loss - 0.1


def test_distinct_tokens_make_the_planted_heads_perfect(planted: GPTModel, monkeypatch: pytest.MonkeyPatch) -> None:
    once = torch.tensor([[3, 7, 1, 11, 0, 5, 9, 2, 8, 4, 10, 6]])
    module = importlib.import_module("gpt25.inspection.circuits.head_scores")
    monkeypatch.setattr(module, "repeated_tokens", lambda *_, **__: torch.cat([once, once], dim=1))
    scores = head_scores(planted)
    assert scores.duplicate_token[0, 1] > 0.999
    # The token before the first is the first itself, to which the head then looks as well: half of 1 in 12 goes there.
    assert scores.induction[1, 0] == pytest.approx(1 - 0.5 / 12, abs=1e-3)


def test_scores_are_those_of_transformers_patterns(
    make_model: Callable[..., GPTModel], twin_of: Callable[[GPTModel], Any]
) -> None:
    model = make_model()
    tokens = repeated_tokens(model, rows=3, length=5, seed=4)
    with torch.no_grad():
        theirs = twin_of(model)(tokens, output_attentions=True)
    weights = torch.stack(theirs.attentions).double()  # (layers, rows, heads, time, time)
    scores = head_scores(model, rows=3, length=5, seed=4)
    expected = {
        "previous_token": torch.zeros(3, 2),
        "duplicate_token": torch.zeros(3, 2),
        "induction": torch.zeros(3, 2),
    }
    for query in range(1, 10):
        expected["previous_token"] += weights[:, :, :, query, query - 1].mean(1) / 9
    for query in range(5, 10):
        expected["duplicate_token"] += weights[:, :, :, query, query - 5].mean(1) / 5
        expected["induction"] += weights[:, :, :, query, query - 4].mean(1) / 5
    for kind, found in expected.items():
        assert np.abs(getattr(scores, kind) - found.numpy()).max() < 1e-5, kind
    losses = functional.cross_entropy(theirs.logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
    assert scores.first_loss == pytest.approx(float(losses[:, :4].mean()), rel=1e-4)
    assert scores.second_loss == pytest.approx(float(losses[:, 5:].mean()), rel=1e-4)


def test_tokens_repeat_and_depend_on_the_seed_alone(model: GPTModel) -> None:
    tokens = repeated_tokens(model, rows=4, seed=2)
    assert tokens.shape == (4, 12)
    assert torch.equal(tokens[:, :6], tokens[:, 6:])
    assert torch.equal(tokens, repeated_tokens(model, rows=4, seed=2))
    assert not torch.equal(tokens, repeated_tokens(model, rows=4, seed=3))


@pytest.mark.parametrize("options", [{"length": 7}, {"length": 2}, {"rows": 0}])
def test_what_does_not_fit_is_refused(model: GPTModel, options: dict[str, int]) -> None:
    with pytest.raises(InspectionError, match="length must be from 3 to 6, and the rows at least 1"):
        head_scores(model, **options)
