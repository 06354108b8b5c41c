"""Log-probabilities of both runners are one function."""

import numpy as np
import pytest
import torch

from gpt25.generation.engine import Runners, TorchRunner
from gpt25.generation.engine.runner import Runner
from gpt25.model import GPTConfiguration, GPTModel


@pytest.fixture(scope="module")
def model() -> GPTModel:
    return GPTModel(
        GPTConfiguration(
            block_size=8, vocabulary_size=301, number_of_layers=1, number_of_heads=4, number_of_embedding_dimensions=256
        ),
        generator=torch.Generator().manual_seed(1),
    )


@pytest.fixture(scope="module")
def kernels(model: GPTModel) -> Runner[np.ndarray]:
    runners = Runners(model)
    assert runners.uses_kernels
    return runners.runner(slots=1, capacity=8)


@pytest.mark.parametrize("spread", [0.1, 3.0, 200.0])
def test_arrays_and_tensors_have_the_same_log_probabilities(
    model: GPTModel, kernels: Runner[np.ndarray], spread: float
) -> None:
    by_torch = TorchRunner(model, slots=1, capacity=8)
    for seed in range(20):
        logits = torch.randn(301, generator=torch.Generator().manual_seed(seed)) * spread
        for likeliest in (0, 1, 5, 301, 1000):
            expected = by_torch.probability(logits, seed, likeliest=likeliest)
            found = kernels.probability(logits.numpy(), seed, likeliest=likeliest)
            assert found.token_id == expected.token_id
            assert found.log_probability == pytest.approx(expected.log_probability, abs=1e-12)
            assert [token for token, _ in found.likeliest] == [token for token, _ in expected.likeliest]
            values = [value for _, value in expected.likeliest]
            assert [value for _, value in found.likeliest] == pytest.approx(values, abs=1e-12)


def test_of_equals_the_smaller_id_comes_first(kernels: Runner[np.ndarray]) -> None:
    logits = np.zeros(301, np.float32)
    logits[[9, 4]] = 1
    assert [token for token, _ in kernels.probability(logits, 0, likeliest=4).likeliest] == [4, 9, 0, 1]


def test_a_row_without_numbers_has_no_probabilities(kernels: Runner[np.ndarray]) -> None:
    found = kernels.probability(np.full(301, np.nan, np.float32), 3, likeliest=2)
    assert np.isnan([found.log_probability, *(value for _, value in found.likeliest)]).all()
    assert len(found.likeliest) == 2
