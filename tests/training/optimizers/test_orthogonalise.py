"""Against the singular value decomposition in float64."""

import numpy as np
import pytest
import torch

from gpt25.training.optimizers.orthogonalise import NEWTON_SCHULZ, POLAR_EXPRESS, orthogonalise


@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 16, 48), (1, 48, 16), (3, 8, 24), (2, 24, 8)])
@pytest.mark.parametrize(("polynomials", "lowest", "highest"), [(POLAR_EXPRESS, 0.85, 1.15), (NEWTON_SCHULZ, 0.6, 1.3)])
def test_singular_values_come_near_one_and_directions_stay(
    shape: tuple[int, ...], polynomials: tuple[tuple[float, float, float], ...], lowest: float, highest: float
) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(4))
    result = orthogonalise(matrices, polynomials)
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


def minimax_quintic(lowest: float, highest: float) -> np.ndarray:
    """Odd quintic (a, b, c) that is nearest to 1 on the whole of [lowest, highest], by Remez's exchange."""
    points = np.array([lowest, (3 * lowest + highest) / 4, (lowest + 3 * highest) / 4, highest])
    for _ in range(60):
        # Equal errors of alternating sign at four points decide the polynomial ...
        equations = np.stack([points, points**3, points**5, [1, -1, 1, -1]], axis=1)
        a, b, c, _ = np.linalg.solve(equations, np.ones(4))
        # ... whose own extrema in between, where a + 3 b s^2 + 5 c s^4 = 0, are the next two inner points.
        points[1:3] = np.sort(np.sqrt(np.roots([5 * c, 3 * b, a]).real))
    return np.array([a, b, c])


def test_polar_express_is_what_its_papers_procedure_gives() -> None:
    """Amsel et al. 2025, algorithm 1: values in [1e-3, 1], a cushion of 0.024..., a factor of 1.01 for safety."""
    lowest, highest, cushion, derived = 1e-3, 1.0, 0.02407327424182761, []
    for _ in range(5):
        quintic = minimax_quintic(max(lowest, cushion * highest), highest)
        # With the cushion lowest lies outside of what was optimised; the scale is such that the errors balance again.
        ends = [sum(quintic * end ** np.array([1, 3, 5])) for end in (lowest, highest)]
        quintic *= 2 / sum(ends)
        lowest = sum(quintic * lowest ** np.array([1, 3, 5]))
        highest = 2 - lowest
        derived.append(quintic / 1.01 ** np.array([1, 3, 5]))
    np.testing.assert_allclose(np.array(derived), np.array(POLAR_EXPRESS), rtol=1e-5)
