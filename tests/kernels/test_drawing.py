"""Draws of the kernels are those of `draw_next`, which sorts."""

import itertools

import numpy as np
import pytest
import torch

from gpt25.generation import History, SamplingSettings
from gpt25.generation.engine import Runners
from gpt25.generation.engine.runner import Runner
from gpt25.generation.not_drawn import NOT_DRAWN
from gpt25.generation.sample_next import draw_next

VOCABULARY = 301
EMPTY = History([], [])


@pytest.fixture(scope="module")
def runner() -> Runner[np.ndarray]:
    from tests.kernels.conftest import random_model

    model = random_model(number_of_embedding_dimensions=256, number_of_layers=1)
    runners = Runners(model)
    assert runners.uses_kernels
    return runners.runner(slots=2, capacity=8)


def drawn(
    runner: Runner[np.ndarray], logits: torch.Tensor, settings: list[SamplingSettings], uniforms: list[float]
) -> list[int]:
    return runner.draw(logits.numpy(), settings=settings, histories=[EMPTY] * len(logits), uniforms=uniforms)


@pytest.mark.parametrize("spread", [0.1, 2.0, 30.0])
def test_every_setting_draws_what_sorting_draws(runner: Runner[np.ndarray], spread: float) -> None:
    generator = torch.Generator().manual_seed(0)
    choices = itertools.product([0.0, 0.3, 1.0, 2.5], [None, 1, 7, 300, 1000], [None, 0.2, 0.9, 1.0], [None, 0.05])
    settings = [SamplingSettings(temperature=heat, top_k=k, top_p=p, min_p=least) for heat, k, p, least in choices]
    logits = torch.randn(len(settings), VOCABULARY, generator=generator) * spread
    logits[::3] = logits[::3].round()  # many equals
    uniforms = torch.rand(len(settings), generator=generator, dtype=torch.float64).tolist()
    expected = draw_next(logits, settings=settings, histories=[EMPTY] * len(settings), uniforms=uniforms).tolist()
    assert drawn(runner, logits, settings, uniforms) == expected


def test_the_ends_of_the_uniform_are_tokens_with_weight(runner: Runner[np.ndarray]) -> None:
    logits = torch.full((2, VOCABULARY), -torch.inf)
    logits[:, 7], logits[:, 200] = 1.0, 0.0
    assert drawn(runner, logits, [SamplingSettings()] * 2, [0.0, 1 - 2**-53]) == [7, 200]


def test_a_row_without_a_finite_largest_is_not_drawn(runner: Runner[np.ndarray]) -> None:
    logits = torch.zeros(4, VOCABULARY)
    logits[0, 5], logits[1, 5], logits[2] = torch.nan, torch.inf, -torch.inf
    settings = [SamplingSettings()] * 3 + [SamplingSettings(temperature=0)]
    assert drawn(runner, logits, settings, [0.5] * 4) == [NOT_DRAWN] * 3 + [0]


def test_biases_draw_what_sorting_draws(runner: Runner[np.ndarray]) -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(60, VOCABULARY, generator=generator) * 3
    before = logits.clone()
    settings = [
        SamplingSettings(
            temperature=[0, 0.8, 1.2][row % 3],
            top_p=[None, 0.9][row % 2],
            logit_bias={token_id: [-100, 100, -1.7, 4][(row + token_id) % 4] for token_id in range(row % 9)},
        )
        for row in range(60)
    ]
    uniforms = torch.rand(60, generator=generator, dtype=torch.float64).tolist()
    expected = draw_next(logits, settings=settings, histories=[EMPTY] * 60, uniforms=uniforms).tolist()
    assert drawn(runner, logits, settings, uniforms) == expected
    assert expected != drawn(runner, logits, [setting.changed({"logit_bias": ()}) for setting in settings], uniforms)
    assert torch.equal(logits, before)


def test_penalties_come_first_and_leave_the_logits_alone(runner: Runner[np.ndarray]) -> None:
    logits = torch.zeros(1, VOCABULARY)
    logits[0, 3], logits[0, 9] = 2.0, 1.9
    before = logits.clone()
    setting = SamplingSettings(temperature=0, frequency_penalty=1.0)
    history = History([], [3])
    assert runner.draw(logits.numpy(), settings=[setting], histories=[history], uniforms=[0.0]) == [9]
    assert torch.equal(logits, before)
