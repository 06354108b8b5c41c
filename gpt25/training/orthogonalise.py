"""The nearest semi-orthogonal matrix, approximately, by a few matrix products."""

import torch
from torch import Tensor

Polynomials = tuple[tuple[float, float, float], ...]

# Coefficients (a, b, c) of the odd quintics p(s) = a s + b s³ + c s⁵ that are applied to the singular values in turn.
# Polar Express (Amsel et al. 2025, "The Polar Express: Optimal Matrix Sign Methods and Their Application to the Muon
# Algorithm", section 4): each polynomial is the minimax optimum for where the previous ones leave the singular values,
# here for values in [0.001, 1], with the paper's safety factor of 1.01 against rounding divided in.
POLAR_EXPRESS = (
    (8.28721201814563 / 1.01, -23.595886519098837 / 1.01**3, 17.300387312530933 / 1.01**5),
    (4.107059111542203 / 1.01, -2.9478499167379106 / 1.01**3, 0.5448431082926601 / 1.01**5),
    (3.9486908534822946 / 1.01, -2.908902115962949 / 1.01**3, 0.5518191394370137 / 1.01**5),
    (3.3184196573706015 / 1.01, -2.488488024314874 / 1.01**3, 0.51004894012372 / 1.01**5),
    (2.300652019954817 / 1.01, -1.6689039845747493 / 1.01**3, 0.4188073119525673 / 1.01**5),
)
# Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks": one polynomial for every step.
NEWTON_SCHULZ = ((3.4445, -4.7750, 2.0315),) * 5
POLYNOMIALS: dict[str, Polynomials] = {"polar_express": POLAR_EXPRESS, "newton_schulz": NEWTON_SCHULZ}


def orthogonalise(matrices: Tensor, polynomials: Polynomials = POLAR_EXPRESS) -> Tensor:
    """Replace every singular value of each matrix by about 1: (count, rows, columns) -> the same shape.

    All products of the polynomials are taken on the small side: with rows <= columns, the Gram matrix G = X Xᵀ is
    (rows, rows), and the steps need only that: X_{k+1} = Q_k X_k with Q_k = a I + b G_k + c G_k² and
    G_{k+1} = Q_k G_k Q_k. The wide matrix is touched twice, whatever the number of steps.
    """
    rows, columns = matrices.shape[-2:]
    if rows > columns:
        return orthogonalise(matrices.mT, polynomials).mT
    scaled = matrices / (torch.linalg.matrix_norm(matrices, keepdim=True) * 1.02 + 1e-7)  # spectral norm below 1
    gram = scaled @ scaled.mT  # (count, rows, rows)
    identity = torch.eye(rows, dtype=matrices.dtype, device=matrices.device)
    total = None
    for step, (a, b, c) in enumerate(polynomials, start=1):
        polynomial = torch.baddbmm(b * gram, gram, gram, beta=1.0, alpha=c) + a * identity  # (count, rows, rows)
        total = polynomial if total is None else polynomial @ total
        if step < len(polynomials):
            gram = polynomial @ gram @ polynomial
    return total @ scaled


def orthogonalisation_operations(rows: int, columns: int, *, steps: int = 5) -> int:
    """Operations of `orthogonalise` on one matrix, no taller than wide; a product of (m, k) and (k, n) has 2 m k n.

    Once 2 m² n for the Gram matrix and once for the result; a step multiplies m x m matrices: one product for the
    polynomial, one into the total but for the first step, and two for the next Gram matrix but after the last.
    """
    return 4 * rows**2 * columns + 2 * rows**3 * (steps + (steps - 1) + 2 * (steps - 1))
