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


def orthogonalise(matrices: Tensor, polynomials: Polynomials = POLAR_EXPRESS, *, in_bfloat16: bool = False) -> Tensor:
    """Replace every singular value of each matrix by about 1: (count, rows, columns) -> the same shape.

    All products of the polynomials are taken on the small side: with rows <= columns, the Gram matrix G = X Xᵀ is
    (rows, rows), and the steps need only that: X_{k+1} = Q_k X_k with Q_k = a I + b G_k + c G_k² and
    G_{k+1} = Q_k G_k Q_k. The wide matrix is touched twice, whatever the number of steps.

    in_bfloat16: multiply in bfloat16 instead of the matrices' own dtype, as Jordan et al. do; then X itself goes
    through every step. The eigenvalues of a G that is carried along in so few bits become negative, and polynomials
    that lift small singular values to 1 let those grow without bounds; X Xᵀ, computed anew, has none.
    """
    rows, columns = matrices.shape[-2:]
    if rows > columns:
        return orthogonalise(matrices.mT, polynomials, in_bfloat16=in_bfloat16).mT
    scaled = matrices / (torch.linalg.matrix_norm(matrices, keepdim=True) * 1.02 + 1e-7)  # spectral norm below 1
    if in_bfloat16:
        return _iterated(scaled.bfloat16(), polynomials).to(matrices.dtype)
    gram = scaled @ scaled.mT  # (count, rows, rows)
    identity = torch.eye(rows, dtype=matrices.dtype, device=matrices.device)
    total = None
    for step, (a, b, c) in enumerate(polynomials, start=1):
        polynomial = torch.baddbmm(b * gram, gram, gram, beta=1.0, alpha=c) + a * identity  # (count, rows, rows)
        total = polynomial if total is None else polynomial @ total
        if step < len(polynomials):
            gram = polynomial @ gram @ polynomial
    return total @ scaled


def _iterated(matrices: Tensor, polynomials: Polynomials) -> Tensor:
    """X_{k+1} = a X + (b G + c G²) X with G = X Xᵀ: (count, rows, columns), no taller than wide -> the same shape."""
    for a, b, c in polynomials:
        gram = matrices @ matrices.mT  # (count, rows, rows)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)  # (count, rows, rows)
        matrices = torch.baddbmm(matrices, polynomial, matrices, beta=a)  # (count, rows, columns)
    return matrices


def orthogonalisation_operations(rows: int, columns: int, *, steps: int = 5, in_bfloat16: bool = False) -> int:
    """Operations of `orthogonalise` on one matrix, no taller than wide; a product of (m, k) and (k, n) has 2 m k n.

    In bfloat16 a step is the Gram matrix, its square and a product with the matrix. Else it is once 2 m² n for the Gram
    matrix and once for the result; a step multiplies m x m matrices: one product for the polynomial, one into the total
    but for the first step, and two for the next Gram matrix but after the last.
    """
    if in_bfloat16:
        return steps * (4 * rows**2 * columns + 2 * rows**3)
    return 4 * rows**2 * columns + 2 * rows**3 * (steps + (steps - 1) + 2 * (steps - 1))
