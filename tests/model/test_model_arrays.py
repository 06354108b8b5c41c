"""Rounding to int8 against the same arithmetic in torch."""

import numpy as np
import pytest
import torch

from gpt25.model import GPTConfiguration, GPTModel, Int8Matrix, ModelArrays, quantise_int8


def rounded_by_torch(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scale = (weight.abs().amax(1) / 127).to(torch.bfloat16)
    divisor = scale.float().clamp(min=torch.finfo(torch.float32).tiny).unsqueeze(1)
    return (weight / divisor).round().clamp(-127, 127).to(torch.int8), scale


@pytest.mark.parametrize("inputs", [1, 7, 64, 300])
def test_a_matrix_is_rounded_as_torch_rounds_it_however_it_lies(inputs: int) -> None:
    generator = torch.Generator().manual_seed(inputs)
    weight = torch.randn(150, inputs, generator=generator) * torch.logspace(-42, 30, 150).unsqueeze(1)
    weight[7], weight[8, 0] = 0, -3.0
    expected, scales = rounded_by_torch(weight)
    for lying in (weight.numpy(), np.asfortranarray(weight.numpy())):
        found = Int8Matrix.of(lying)
        assert np.array_equal(found.quantised, expected.numpy())
        assert np.array_equal(found.scales, scales.float().numpy())


def test_halves_go_to_the_even_one() -> None:
    weight = torch.tensor([[127.0, 0.5, 1.5, 2.5, -0.5, -1.5]])
    assert Int8Matrix.of(weight.numpy()).quantised.tolist() == [[127, 0, 2, 2, 0, -2]]
    nearly = torch.full((4, 1), 127.0) * torch.tensor([[1.00390625], [1.01171875], [1.005], [1.003]])
    assert np.array_equal(Int8Matrix.of(nearly.numpy()).scales, rounded_by_torch(nearly)[1].float().numpy())


def test_a_row_with_nan_keeps_it_in_its_scale() -> None:
    weight = np.ones((2, 3), np.float32)
    weight[1, 2] = np.nan
    scales = Int8Matrix.of(weight).scales
    assert np.isfinite(scales[0])
    assert np.isnan(scales[1])


def test_arrays_of_a_model_are_its_memory() -> None:
    configuration = GPTConfiguration(
        block_size=8, vocabulary_size=50, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=8
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(1))
    arrays = ModelArrays.of(model)
    assert arrays.dtype.itemsize == model.dtype.itemsize
    with torch.no_grad():
        model.transformer.word_token_embeddings.weight.fill_(5)
    assert np.all(arrays.arrays["transformer.word_token_embeddings.weight"] == 5)
    in_int8 = arrays.in_int8()
    expected = ModelArrays.of(quantise_int8(model))
    assert in_int8.arrays.keys() == expected.arrays.keys()
    kinds = {name for name, array in in_int8.arrays.items() if isinstance(array, Int8Matrix)}
    assert kinds == {name for name, array in expected.arrays.items() if isinstance(array, Int8Matrix)}
    assert len(kinds) == 5
