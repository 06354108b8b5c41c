"""SOAP before Muon: updates divided by running root mean squares where gradients are nearly uncorrelated."""

import dataclasses

import torch
from torch import Tensor

# Names in the state, in the order of the two sides.
_COVARIANCES = ("row_covariance", "column_covariance")
_BASES = ("row_basis", "column_basis")
_SECOND_MOMENT = "second_moment"


@dataclasses.dataclass(frozen=True)
class SOAPPreconditioning:
    """Adam's division by root mean squares, done in the eigenbasis of the gradients' covariances.

    Running means of G Gᵀ and Gᵀ G have eigenvectors Q_rows and Q_columns. In their basis, Q_rowsᵀ G Q_columns, the
    squares of the gradient's elements have running means too; an update is projected into that basis, divided by their
    roots, and projected back. Only directions matter to Muon, which comes next, so the means have no bias correction.

    Source: Vyas et al. 2024, "SOAP: Improving and Stabilizing Shampoo using Adam" (arXiv 2409.11321), algorithm 3, with
    bases renewed as in algorithm 4; Vyas, "SOAP Muon", puts it before the orthogonalisation.
    """

    beta_2: float
    """The decay of all running means: of the covariances and of the squares."""
    interval_in_updates: int
    """How often the bases are renewed, behind an update."""
    epsilon: float
    """What is added to the roots."""

    def make_state(self, parameter: Tensor, parts: int) -> dict[str, Tensor]:
        """The state of so many matrices on top of each other: zero moments, and the identity as both bases."""
        rows, columns = parameter.size(0) // parts, parameter.size(1)
        state = {_SECOND_MOMENT: torch.zeros_like(parameter)}  # (parts * rows, columns)
        for covariance, basis, size in zip(_COVARIANCES, _BASES, (rows, columns), strict=True):
            state[covariance] = parameter.new_zeros(parts, size, size)
            state[basis] = torch.eye(size, dtype=parameter.dtype, device=parameter.device).repeat(parts, 1, 1)
        return state

    def __call__(self, update: Tensor, gradient: Tensor, state: dict[str, Tensor], *, step: int) -> Tensor:
        """Precondition an update with the gradient that it comes from: (parts * rows, columns) -> the same shape.

        step: which update of the run it is, from 0. The first ones renew the bases every time, from the identity on.
        """
        parts = state[_BASES[0]].size(0)
        matrices, gradients, squares = (
            tensor.view(parts, -1, tensor.size(1)) for tensor in (update, gradient, state[_SECOND_MOMENT])
        )  # (parts, rows, columns)
        left, right = (state[name] for name in _BASES)  # (parts, rows, rows), (parts, columns, columns)
        squares.lerp_((left.mT @ gradients @ right).square_(), 1 - self.beta_2)
        found = (left.mT @ matrices @ right).div_(squares.sqrt().add_(self.epsilon))
        found = left @ found @ right.mT
        for name, covariance in zip(_COVARIANCES, (gradients @ gradients.mT, gradients.mT @ gradients), strict=True):
            state[name].lerp_(covariance, 1 - self.beta_2)
        if step < self.interval_in_updates or step % self.interval_in_updates == 0:
            _renew(state, squares)
        return found.view_as(update)


def _renew(state: dict[str, Tensor], squares: Tensor) -> None:
    """One step of orthogonal iteration for both bases, and `squares` (parts, rows, columns) in their new order.

    Sorted by their eigenvalues, vectors keep their places between renewals, so that the running means
    stay with the vectors that they belong to.
    """
    for covariance, basis, dimension in zip(_COVARIANCES, _BASES, (1, 2), strict=True):
        images = state[covariance] @ state[basis]  # (parts, size, size)
        order = (state[basis] * images).sum(dim=1).argsort(dim=1, descending=True)  # (parts, size)
        state[basis].copy_(torch.linalg.qr(torch.gather(images, 2, order.unsqueeze(1).expand_as(images)))[0])
        index = order.unsqueeze(3 - dimension).expand_as(squares)
        squares.copy_(torch.gather(squares, dimension, index))
