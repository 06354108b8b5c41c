"""Muon: momentum, orthogonalised."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gpt25.errors import ConfigurationError
from gpt25.training.optimizers.cautious_weight_decay import cautious_weight_decay
from gpt25.training.optimizers.distributed_orthogonalisation import DistributedOrthogonalisation
from gpt25.training.optimizers.normuon import normuon_normalise
from gpt25.training.optimizers.orthogonalise import POLAR_EXPRESS, Polynomials, orthogonalise
from gpt25.training.optimizers.soap_preconditioning import SOAPPreconditioning


class _Matrix(NamedTuple):
    """What Muon moves as one matrix, all of it views."""

    weight: Tensor
    """(rows, columns)"""
    update: Tensor
    """(rows, columns)"""
    second_moment: Tensor | None
    """(rows,)"""

    @property
    def is_tall(self) -> bool:
        return self.update.size(0) > self.update.size(1)


class Muon(torch.optim.Optimizer):
    """Updates matrices with the orthogonalised momentum of their gradients.

    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the size of an update follows
    Liu et al. 2025, "Muon is Scalable for LLM Training", section 2.2: 0.2 * sqrt(larger side), which gives it the root
    mean square of an AdamW update, so that both share rates. With these and NEWTON_SCHULZ polynomials it equals
    `torch.optim.Muon(adjust_lr_fn="match_rms_adamw")`; matrices of one shape are orthogonalised in one batch.

    A parameter group may carry `parts`: how many matrices of equal height stand on top of each other in each of its
    parameters. Query, key and value are three matrices to Muon, although one linear layer computes them.

    beta_2: where it is given, rows are normalised as in NorMuon, with a second moment for each in the state.
    preconditioning: what updates go through before they are orthogonalised, as in SOAP-Muon; None for nothing. It asks
    every group for `step`, the number of the update that is done, from 0.
    distributed: what orthogonalises batches of matrices together with other ranks; None for this rank alone.
    in_bfloat16: what orthogonalises multiplies in bfloat16; momenta and weights stay as they are.

    As in torch's fused AdamW, where the attribute `found_inf`, a bool () on the parameters' device, is set and true, a
    step leaves weights and momenta as they were, and the host need not know; second moments and the preconditioning's
    state are the caller's to restore.
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        *,
        learning_rate: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        cautious_weight_decay: bool = False,
        beta_2: float | None = None,
        preconditioning: SOAPPreconditioning | None = None,
        polynomials: Polynomials = POLAR_EXPRESS,
        distributed: DistributedOrthogonalisation | None = None,
        in_bfloat16: bool = False,
    ) -> None:
        defaults = {"lr": learning_rate, "momentum": momentum, "weight_decay": weight_decay, "parts": 1, "step": 0}
        super().__init__(parameters, defaults)
        self._cautious = cautious_weight_decay
        self._beta_2 = beta_2
        self._preconditioning = preconditioning
        self._polynomials = polynomials
        self._distributed = distributed
        self._in_bfloat16 = in_bfloat16
        self.found_inf: Tensor | None = None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.dim() != 2 or parameter.size(0) % group["parts"]:
                    raise ConfigurationError(
                        f"Muon moves matrices; a parameter of shape {tuple(parameter.shape)} in {group['parts']} "
                        "part(s) is none."
                    )

    def make_state(self) -> None:
        """Give every parameter that has none its state, as it is before the first step."""
        for group in self.param_groups:
            for parameter in group["params"]:
                self._state_of(parameter, group["parts"])

    def _state_of(self, parameter: Tensor, parts: int) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
            if self._beta_2 is not None:
                state["neuron_second_moment"] = parameter.new_zeros(parameter.size(0))  # (rows,)
            if self._preconditioning is not None:
                state.update(self._preconditioning.make_state(parameter, parts))
        return state

    def state_beyond_momenta(self) -> list[Tensor]:
        """Second moments and the preconditioning's state: what a step changes also where `found_inf` is true."""
        return [value for state in self.state.values() for key, value in state.items() if key != "momentum"]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        if closure is not None:
            raise ConfigurationError("Muon takes no closure: compute the gradients first, then call step().")
        skip = self.found_inf
        batches = [
            (group, matrices) for group in self.param_groups for matrices in self._matrices_by_shape(group, skip)
        ]
        # Large ones first: distributed, they are gathered first, and applied while the others are on their way.
        batches.sort(key=lambda batch: -batch[1][0].update.numel())
        oriented = [[each.update.mT if each.is_tall else each.update for each in matrices] for _, matrices in batches]
        for (group, matrices), directions in zip(batches, self._orthogonalised(oriented), strict=True):
            number = sum(not each.is_tall for each in matrices)
            directions = directions.to(matrices[0].weight.dtype)  # (count, smaller side, larger side)
            self._move(group, matrices[:number], directions[:number], skip)
            self._move(group, matrices[number:], directions[number:].mT, skip)

    def _matrices_by_shape(self, group: dict[str, Any], skip: Tensor | None) -> list[list[_Matrix]]:
        """Advance the momentum; the matrices that have a gradient, those of one shape together, the tall ones last."""
        moving = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not moving:
            return []
        gradients = [parameter.grad for parameter in moving]
        states = [self._state_of(parameter, group["parts"]) for parameter in moving]
        momenta = [state["momentum"] for state in states]
        if skip is not None:
            gradients = _replaced_where(skip, gradients, momenta)  # the mean of a momentum and itself is the momentum
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        # Nesterov: look ahead along the momentum from the fresh gradient.
        updates = torch._foreach_lerp(gradients, momenta, group["momentum"])
        if self._preconditioning is not None:
            updates = tuple(
                self._preconditioning(update, gradient, state, step=group["step"])
                for update, gradient, state in zip(updates, gradients, states, strict=True)
            )
        by_shape: dict[tuple[int, ...], list[_Matrix]] = defaultdict(list)
        for parameter, update, state in zip(moving, updates, states, strict=True):
            moment, parts = state.get("neuron_second_moment"), group["parts"]
            moments = [None] * parts if moment is None else moment.chunk(parts)
            for views in zip(parameter.chunk(parts), update.chunk(parts), moments, strict=True):
                matrix = _Matrix(*views)
                by_shape[tuple(sorted(matrix.update.shape))].append(matrix)
        return [sorted(matrices, key=lambda matrix: matrix.is_tall) for matrices in by_shape.values()]

    def _orthogonalised(self, batches: Sequence[Sequence[Tensor]]) -> Iterator[Tensor]:
        """Of every batch of matrices (rows, columns) their orthogonal ones, (count, rows, columns)."""
        if self._distributed is not None:
            yield from self._distributed(batches, self._polynomials, in_bfloat16=self._in_bfloat16)
            return
        for matrices in batches:
            yield orthogonalise(torch.stack(list(matrices)), self._polynomials, in_bfloat16=self._in_bfloat16)

    def _move(self, group: dict[str, Any], matrices: list[_Matrix], directions: Tensor, skip: Tensor | None) -> None:
        """Decay and move matrices of one shape along directions (count, rows, columns)."""
        if not matrices:
            return
        weights = [matrix.weight for matrix in matrices]
        if self._beta_2 is not None:
            moments = [matrix.second_moment for matrix in matrices if matrix.second_moment is not None]
            directions = normuon_normalise(directions, moments, beta_2=self._beta_2)
        decay = group["lr"] * group["weight_decay"]
        amount: float | Tensor = decay
        if skip is not None:
            directions = torch.where(skip, 0.0, directions)
            amount = torch.where(skip, 0.0, torch.full((), decay, dtype=torch.float64, device=skip.device))
        directions_each = list(directions.unbind())
        if decay and self._cautious:
            cautious_weight_decay(weights, directions_each, before=weights, amount=amount)
        elif decay:
            torch._foreach_mul_(weights, 1 - amount)
        step_size = group["lr"] * 0.2 * math.sqrt(max(directions.shape[-2:]))
        torch._foreach_add_(weights, directions_each, alpha=-step_size)


def _replaced_where(skip: Tensor, tensors: Sequence[Tensor], others: Sequence[Tensor]) -> list[Tensor]:
    """The tensors, or the others in their places where `skip`, a bool (), is true; those of one shape in one launch."""
    replaced = list(tensors)
    by_shape: dict[torch.Size, list[int]] = defaultdict(list)
    for index, tensor in enumerate(tensors):
        by_shape[tensor.shape].append(index)
    for indices in by_shape.values():
        chosen = torch.where(
            skip, torch.stack([others[index] for index in indices]), torch.stack([tensors[index] for index in indices])
        )  # (count, rows, columns)
        for index, tensor in zip(indices, chosen.unbind(), strict=True):
            replaced[index] = tensor
    return replaced
