"""Muon: momentum whose every update is orthogonal."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from gpt25.errors import ConfigurationError
from gpt25.training.orthogonalise import orthogonalise


class Muon(torch.optim.Optimizer):
    """Moves matrices by the orthogonalised running mean of their gradients.

    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the size of an update follows
    Liu et al. 2025, "Muon is Scalable for LLM Training", section 2.2: 0.2 * sqrt(larger side), which gives it the root
    mean square of an AdamW update, so that both share rates. With these and NEWTON_SCHULZ coefficients it equals
    `torch.optim.Muon(adjust_lr_fn="match_rms_adamw")`; matrices of one shape are orthogonalised in one batch.

    A parameter group may carry `parts`: how many matrices of equal height stand on top of each other in each of its
    parameters. Query, key and value are three matrices to Muon, although one linear layer computes them.
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        *,
        learning_rate: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        coefficients: tuple[tuple[float, float, float], ...] | None = None,
    ) -> None:
        super().__init__(
            parameters, {"lr": learning_rate, "momentum": momentum, "weight_decay": weight_decay, "parts": 1}
        )
        self._coefficients = {} if coefficients is None else {"coefficients": coefficients}
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.dim() != 2 or parameter.size(0) % group["parts"]:
                    raise ConfigurationError(
                        f"Muon moves matrices; a parameter of shape {tuple(parameter.shape)} in {group['parts']} "
                        "part(s) is none."
                    )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        if closure is not None:
            raise ConfigurationError("Muon takes no closure: compute the gradients first, then call step().")
        for group in self.param_groups:
            self._step_group(group)

    def _step_group(self, group: dict[str, Any]) -> None:
        moving = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not moving:
            return
        gradients = [parameter.grad for parameter in moving]
        momenta = [self._momentum(parameter) for parameter in moving]
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        # Nesterov: look ahead along the momentum from the fresh gradient.
        updates = torch._foreach_lerp(gradients, momenta, group["momentum"])
        if group["weight_decay"]:
            torch._foreach_mul_(moving, 1 - group["lr"] * group["weight_decay"])
        by_shape: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for parameter, update in zip(moving, updates, strict=True):
            for target, part in zip(parameter.chunk(group["parts"]), update.chunk(group["parts"]), strict=True):
                target, part = (target, part) if target.size(0) <= target.size(1) else (target.mT, part.mT)
                by_shape[part.size(0), part.size(1)].append((target, part))
        for (_, columns), pairs in by_shape.items():
            orthogonal = orthogonalise(torch.stack([part for _, part in pairs]), **self._coefficients)
            step_size = group["lr"] * 0.2 * math.sqrt(columns)
            for (target, _), direction in zip(pairs, orthogonal.to(pairs[0][0].dtype), strict=True):
                target.add_(direction, alpha=-step_size)

    def _momentum(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        return state["momentum"]
