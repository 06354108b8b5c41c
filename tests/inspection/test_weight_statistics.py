import sys

import numpy as np
import pytest
import torch

from gpt25.inspection import WeightStatistics, weight_statistics


def as_numpy_says(values: np.ndarray) -> WeightStatistics:
    return WeightStatistics(
        count=values.size,
        mean=pytest.approx(values.mean(), rel=1e-9),
        standard_deviation=pytest.approx(values.std(), rel=1e-9),
        smallest=values.min(),
        largest=values.max(),
        norm=pytest.approx(np.linalg.norm(values), rel=1e-9),
        share_of_zeros=pytest.approx((values == 0).mean()),
    )


@pytest.mark.parametrize("piece", [1, 7, 1 << 22])
def test_the_figures_are_numpys_whatever_the_pieces(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["gpt25.inspection.weight_statistics"], "_PIECE", piece)
    tensor = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)) * 3 + 100
    tensor[0] = 0
    assert weight_statistics(tensor) == as_numpy_says(tensor.double().numpy())
    assert weight_statistics(tensor.bfloat16()) == as_numpy_says(tensor.bfloat16().double().numpy())


def test_several_tensors_are_as_one() -> None:
    generator = torch.Generator().manual_seed(3)
    tensors = [torch.randn(count, generator=generator) * count + count for count in (1, 4, 30)] + [torch.zeros(2)]
    together = WeightStatistics.of_several([weight_statistics(tensor) for tensor in tensors])
    assert together == as_numpy_says(torch.cat(tensors).double().numpy())


def test_a_tensor_of_zeros() -> None:
    assert weight_statistics(torch.zeros(3, 4)) == WeightStatistics(12, 0, 0, 0, 0, 0, 1)
