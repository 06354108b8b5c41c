"""Positional embeddings, their similarity, their spectrum and their roughness, against planted curves."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gpt25.errors import InspectionError
from gpt25.inspection import (
    overall_roughness,
    position_similarity,
    position_spectrum,
    positional_embeddings,
    roughness,
)
from gpt25.model import GPTModel


def noise(positions: int, channels: int, *, seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(positions, channels))


def waves(positions: int, rounds: list[float], *, phase: float = 0.4) -> NDArray[np.float64]:
    """One column for each number of rounds over all positions."""
    places = np.arange(positions)[:, None] / positions
    return np.sin(2 * np.pi * np.array(rounds) * places + phase)


def test_embeddings_are_a_copy_in_float32(make_model: Callable[..., GPTModel]) -> None:
    model = make_model().bfloat16()
    weight = model.transformer.word_positional_embeddings.weight
    found = positional_embeddings(model)
    assert (found.shape, found.dtype) == ((12, 16), np.float32)
    assert np.array_equal(found, weight.detach().float().numpy())
    found[:] = 0
    assert weight.abs().sum() > 0
    single = make_model()
    positional_embeddings(single)[:] = 0
    assert single.transformer.word_positional_embeddings.weight.abs().sum() > 0


def test_similarity_is_the_cosine() -> None:
    rows = torch.randn(9, 5, generator=torch.Generator().manual_seed(2))
    expected = torch.nn.functional.cosine_similarity(rows[:, None], rows[None], dim=-1)
    found = position_similarity(rows.numpy())
    assert np.allclose(found, expected.numpy(), atol=1e-6)
    assert np.array_equal(found, found.T)
    assert np.allclose(np.diag(found), 1)


def test_a_position_of_zeros_is_similar_to_none() -> None:
    rows = np.array([[0.0, 0.0], [3.0, 4.0], [-3.0, -4.0]])
    assert np.allclose(position_similarity(rows), [[0, 0, 0], [0, 1, -1], [0, -1, 1]])


@pytest.mark.parametrize("positions", [64, 63])
def test_a_wave_has_its_whole_variance_at_its_own_frequency(positions: int) -> None:
    rounds = [1, 5, 17]
    found = position_spectrum(5.0 + 3 * waves(positions, rounds))
    assert found.shape == (positions // 2 + 1, 3)
    expected = np.zeros_like(found)
    expected[rounds, range(3)] = 1
    assert np.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("positions", [64, 63, 2, 1])
def test_the_shares_add_up_to_one_where_a_column_varies(positions: int) -> None:
    varying = np.concatenate([noise(positions, 3), np.full((positions, 1), 7.3)], axis=1)
    varying[::2, 2] = -varying[1::2, 2][:1] if positions > 1 else 0
    sums = position_spectrum(varying).sum(axis=0)
    assert np.allclose(sums, [1, 1, 1, 0] if positions > 1 else 0, atol=1e-6)


def test_white_noise_has_the_same_share_everywhere() -> None:
    mean = position_spectrum(noise(64, 4000)).mean(axis=1)
    assert mean[0] == 0
    assert np.allclose(mean[1:-1], 2 / 64, rtol=0.1)
    assert np.isclose(mean[-1], 1 / 64, rtol=0.1)


def test_roughness_of_white_noise_is_one() -> None:
    found = roughness(noise(1024, 64))
    assert found.shape == (64,)
    assert np.allclose(found, 1, atol=0.25)
    assert math.isclose(found.mean(), 1, abs_tol=0.02)
    assert math.isclose(overall_roughness(noise(1024, 64)), 1, abs_tol=0.02)


def test_roughness_of_a_smooth_wave_is_nearly_nothing_and_as_derived() -> None:
    rounds = [1, 4, 20]
    found = roughness(waves(1024, rounds))
    assert (found < 1e-4).all()
    periods = 1024 / np.array(rounds)
    assert np.allclose(found, (2 - 2 * np.cos(2 * np.pi / periods)) ** 2 / 6, rtol=0.05)
    assert math.isclose((2 - 2 * math.cos(2 * math.pi / 50)) ** 2 / 6, 0.00004, rel_tol=0.05)


def test_roughness_is_the_share_of_the_noise() -> None:
    for share in (0.02, 0.3, 0.8):
        column = math.sqrt(1 - share) * math.sqrt(2) * waves(4096, [3]) + math.sqrt(share) * noise(4096, 1)
        assert math.isclose(roughness(column)[0], share, rel_tol=0.1)


def test_roughness_of_an_alternating_column_is_eight_thirds() -> None:
    column = np.where(np.arange(1000) % 2, 1.0, -1.0)[:, None]
    assert math.isclose(roughness(column)[0], 8 / 3, rel_tol=0.01)


def test_roughness_knows_no_scale_and_no_offset() -> None:
    columns = noise(100, 3) + waves(100, [1, 2, 3])
    expected = roughness(columns)
    assert np.allclose(roughness(1e-4 * columns), expected)
    assert np.allclose(roughness(columns + 50), expected)
    assert math.isclose(overall_roughness(1e3 * columns), overall_roughness(columns))


def test_the_overall_figure_weighs_columns_by_their_variance() -> None:
    columns = np.concatenate([10 * waves(512, [2]), 0.1 * noise(512, 5)], axis=1)
    assert overall_roughness(columns) < 0.01
    assert np.median(roughness(columns)) > 0.8


def test_a_constant_column_has_no_roughness_and_does_not_count() -> None:
    columns = np.concatenate([np.full((50, 1), 0.1), noise(50, 1)], axis=1)
    found = roughness(columns)
    assert math.isnan(found[0])
    assert math.isclose(overall_roughness(columns), found[1])
    assert math.isnan(overall_roughness(np.full((50, 4), 0.1, dtype=np.float32)))


def test_two_positions_are_too_few() -> None:
    with pytest.raises(InspectionError, match="these embeddings have 2 positions; .* of 3 or more"):
        roughness(np.ones((2, 4)))
    with pytest.raises(InspectionError, match="of 3 or more"):
        overall_roughness(np.ones((1, 4)))


def test_an_untrained_model_is_as_rough_as_noise() -> None:
    from gpt25.model import GPTConfiguration

    shape = GPTConfiguration(
        block_size=256, vocabulary_size=5, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=64
    )
    model = GPTModel(shape, generator=torch.Generator().manual_seed(0))
    assert math.isclose(overall_roughness(positional_embeddings(model)), 1, abs_tol=0.03)
