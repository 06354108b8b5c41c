import itertools

import pytest
import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from gpt25.generation import SamplingSettings
from gpt25.generation.token_weights import token_weights

VOCABULARY_SIZE = 800  # more than the nucleus is first looked for in, so that both ways of finding it are taken


def random_logits(rows: int, *, spread: float, seed: int = 0) -> Tensor:
    """Logits (rows, vocabulary); a large spread makes narrow distributions, a small one nearly even ones."""
    return torch.randn(rows, VOCABULARY_SIZE, generator=torch.Generator().manual_seed(seed)) * spread


def probabilities(logits: Tensor, settings: list[SamplingSettings]) -> Tensor:
    weights = token_weights(logits, settings)
    return weights / weights.sum(-1, keepdim=True)


def oracle(logits: Tensor, setting: SamplingSettings) -> Tensor:
    """Probabilities (rows, vocabulary) by the warpers of transformers, in the order of its `generate`."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(float(setting.temperature))])
    if setting.top_k is not None:
        warpers.append(TopKLogitsWarper(setting.top_k))
    if setting.top_p is not None:
        warpers.append(TopPLogitsWarper(setting.top_p))
    if setting.min_p is not None:
        warpers.append(MinPLogitsWarper(setting.min_p))
    return warpers(torch.zeros(len(logits), 1, dtype=torch.long), logits.clone()).softmax(-1)


COMBINATIONS = list(
    itertools.product((0.3, 1.0, 3.0), (None, 1, 40, 10**6), (None, 1e-6, 0.5, 0.95, 1.0), (None, 0.05))
)


@pytest.mark.parametrize("spread", [0.2, 2.0, 8.0])
def test_probabilities_are_those_of_transformers(spread: float) -> None:
    logits = random_logits(3, spread=spread)
    for temperature, top_k, top_p, min_p in COMBINATIONS:
        setting = SamplingSettings(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
        expected = oracle(logits, setting)
        actual = probabilities(logits, [setting] * 3)
        assert torch.equal(actual > 0, expected > 0), setting
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-9)


def test_rows_with_different_settings_are_as_they_are_alone() -> None:
    settings = [SamplingSettings(temperature=t, top_k=k, top_p=p, min_p=m) for t, k, p, m in COMBINATIONS]
    logits = random_logits(len(settings), spread=3.0, seed=1)
    together = token_weights(logits, settings)
    for row, setting in enumerate(settings):
        assert torch.equal(together[row : row + 1], token_weights(logits[row : row + 1], [setting])), setting


def test_one_number_on_paper() -> None:
    logits = torch.tensor([[0.5, 0.25, 0.15, 0.1]]).log()  # (1, vocabulary)

    def kept(**setting: float) -> list[float]:
        return [round(value, 4) for value in probabilities(logits, [SamplingSettings(**setting)]).flatten().tolist()]  # type: ignore[arg-type]

    assert kept() == [0.5, 0.25, 0.15, 0.1]
    assert kept(top_k=2) == [0.6667, 0.3333, 0, 0]
    assert kept(top_p=0.6) == [0.6667, 0.3333, 0, 0]  # 0.5 is less than 0.6: the second one is needed
    assert kept(min_p=0.29) == [0.5556, 0.2778, 0.1667, 0]  # 0.29 * 0.5 = 0.145
    assert kept(temperature=0.5)[0] == round(0.25 / (0.25 + 0.0625 + 0.0225 + 0.01), 4)
    # top_k first, then the nucleus of what is left: 0.5 / 0.75 reaches 0.6 alone.
    assert kept(top_k=2, top_p=0.6) == [1, 0, 0, 0]


def test_equals_stay_together() -> None:
    logits = torch.tensor([[1.0, 2.0, 2.0, 2.0, 0.0]])  # (1, vocabulary)
    for setting in (SamplingSettings(top_k=2), SamplingSettings(top_p=0.3)):
        assert (token_weights(logits, [setting]) > 0).tolist() == [[False, True, True, True, False]]


@pytest.mark.parametrize("temperature", [5e-324, 1e-30, 1e-6, 1e6, 1e300])
def test_extreme_temperatures_have_weights_for_all_filters(temperature: float) -> None:
    logits = random_logits(2, spread=50.0)
    settings = [SamplingSettings(temperature=temperature, top_k=5, top_p=0.5, min_p=0.1)] * 2
    weights = token_weights(logits, settings)
    assert weights.isfinite().all()
    assert ((weights > 0).sum(-1) >= 1).all()
    assert ((weights > 0).sum(-1) <= 5).all()
    assert (weights.argmax(-1) == logits.argmax(-1)).all() or temperature > 1
