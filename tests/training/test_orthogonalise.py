"""Against the singular value decomposition in float64."""

import pytest
import torch

from gpt25.training.orthogonalise import NEWTON_SCHULZ, POLAR_EXPRESS, orthogonalise


@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 16, 48), (1, 48, 16), (3, 8, 24), (2, 24, 8)])
@pytest.mark.parametrize(
    ("coefficients", "lowest", "highest"), [(POLAR_EXPRESS, 0.85, 1.15), (NEWTON_SCHULZ, 0.6, 1.3)]
)
def test_singular_values_come_near_one_and_directions_stay(
    shape: tuple[int, ...], coefficients: tuple[tuple[float, float, float], ...], lowest: float, highest: float
) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(4))
    result = orthogonalise(matrices, coefficients)
    assert result.shape == matrices.shape
    left, values, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    kept = values / values.amax(dim=-1, keepdim=True) > 0.05  # the polynomials promise nothing of what is almost 0
    # In the basis of the matrix's own singular vectors the result is diagonal.
    core = left.mT @ result.double() @ right.mT  # (count, rank, rank)
    diagonal = core.diagonal(dim1=-2, dim2=-1)  # (count, rank)
    assert float(diagonal[kept].min()) > lowest
    assert float(diagonal[kept].max()) < highest
    assert float((core - torch.diag_embed(diagonal)).abs().max()) < 1e-3


def test_batched_is_the_same_as_one_by_one() -> None:
    matrices = torch.randn(3, 8, 20, generator=torch.Generator().manual_seed(5))
    alone = torch.stack([orthogonalise(matrix.unsqueeze(0))[0] for matrix in matrices])
    torch.testing.assert_close(orthogonalise(matrices), alone, rtol=1e-4, atol=1e-5)


def test_size_plays_no_part_and_zero_stays_zero() -> None:
    matrix = torch.randn(1, 8, 8, generator=torch.Generator().manual_seed(6))
    torch.testing.assert_close(orthogonalise(matrix * 1e-3), orthogonalise(matrix), rtol=1e-2, atol=1e-3)
    assert torch.equal(orthogonalise(torch.zeros(1, 4, 6)), torch.zeros(1, 4, 6))
