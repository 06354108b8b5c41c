"""The answers that the notebooks fold away are right: what can be computed of them is computed here."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from gpt25 import GPTConfiguration, GPTModel, Tokenizer
from gpt25.errors import ConfigurationError
from gpt25.inspection import overall_roughness, token_labels
from gpt25.inspection.roughness import roughness
from gpt25.model import PUBLISHED_CONFIGURATIONS, Accounting
from gpt25.training.optimizers.orthogonalise import orthogonalise

SMALL = GPTConfiguration(
    block_size=32, vocabulary_size=100, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=16
)


def small(**changes: int) -> GPTModel:
    shape = dataclasses.replace(SMALL, **changes)
    return GPTModel(shape, generator=torch.Generator().manual_seed(1)).eval()


@pytest.mark.parametrize(("positions", "channels"), [(128, 128), (1024, 768)])
def test_the_computed_sinusoids_are_smooth(positions: int, channels: int) -> None:
    """Notebook 1, exercise 2."""
    wavelengths = 10_000 ** (np.arange(0, channels, 2) / channels)
    angles = np.arange(positions)[:, None] / wavelengths
    computed = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    assert 0.005 < overall_roughness(computed) < 0.015
    assert roughness(computed).max() == pytest.approx(0.14, abs=0.005)
    assert 2 * math.pi * wavelengths[0] == pytest.approx(6.3, abs=0.05)


def test_the_number_of_heads_is_in_no_shape() -> None:
    """Notebook 2, exercise 2, and notebook 3, exercise 2."""
    model, other = small(), small(number_of_heads=1)
    assert {n: t.shape for n, t in model.state_dict().items()} == {n: t.shape for n, t in other.state_dict().items()}
    other.load_state_dict(model.state_dict())
    indices = torch.arange(20)[None]  # (1, time)
    with torch.no_grad():
        assert not torch.allclose(model(indices), other(indices), atol=1e-6)


def test_embeddings_are_a_third_of_the_smallest_and_a_twentieth_of_the_largest() -> None:
    """Notebook 2, exercise 4."""
    parts = [
        Accounting(PUBLISHED_CONFIGURATIONS[name]).embedding_parameters
        / Accounting(PUBLISHED_CONFIGURATIONS[name]).parameters
        for name in ("gpt2", "gpt2-xl")
    ]
    assert [f"{part:.0%}" for part in parts] == ["32%", "5%"]


def test_tokens_are_what_the_answers_say() -> None:
    """Notebook 4, exercises 1 and 2."""
    gpt2 = Tokenizer.gpt2()
    assert token_labels(gpt2, gpt2.encode("cats:   3")) == ["cats", ":", "·", "·", "·3"]
    assert [gpt2.decode([token]) for token in gpt2.encode("IT'S we've")] == ["IT", "'", "S", " we", "'ve"]
    assert gpt2.encode("The answer is ")[-1] == 220
    assert gpt2.decode([gpt2.encode("The answer is yes")[-1]]) == " yes"


def test_labels_that_are_the_indices_are_refused() -> None:
    """Notebook 5, exercise 1."""
    indices = torch.arange(20)[None]
    with pytest.raises(ConfigurationError, match="labels are the indices themselves"):
        small()(indices, indices)


def test_adamw_hardly_sees_a_gradient_four_times_as_long() -> None:
    """Notebook 5, exercise 2; and exercise 3: neither does Muon."""
    weights = []
    for scale in (1.0, 4.0):
        weight = torch.nn.Parameter(torch.ones(8, 8))
        optimizer = torch.optim.AdamW([weight], lr=1e-2)
        for step in range(5):
            gradient = torch.randn(8, 8, generator=torch.Generator().manual_seed(step))
            weight.grad = scale * gradient
            optimizer.step()
        weights.append(weight.detach())
    assert torch.allclose(*weights, atol=1e-6)
    assert torch.allclose(orthogonalise(gradient[None]), orthogonalise(4 * gradient[None]), atol=1e-5)


def test_equal_scores_leave_room_for_5900_disagreements() -> None:
    """Notebook 6, exercise 2."""
    right = round(0.2945 * 10_042)
    assert right == 2957
    assert 2 * right == pytest.approx(5900, abs=20)
    assert math.sqrt(2) * math.sqrt(0.2945 * 0.7055 / 10_042) == pytest.approx(0.0064, abs=5e-5)
