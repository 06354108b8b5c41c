"""AdamW whose decay never works against its update."""

from collections.abc import Callable, Iterable
from typing import Any

import torch

from gpt25.errors import ConfigurationError
from gpt25.training.optimizers.cautious_weight_decay import cautious_weight_decay
from gpt25.training.sharding import local_shard


class CautiousAdamW(torch.optim.AdamW):
    """torch's AdamW for the step, and after it the decay, where the weight before the step and the step agree in sign.

    The step's sign is that of the mean gradient, `exp_avg`, because all else in it is positive. A parameter group's
    decay is its `cautious_weight_decay`; torch's own `weight_decay` stays 0. Costs two copies of the decayed parameters
    meanwhile, when no activations are there.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], **options: Any) -> None:
        """Groups as torch's AdamW takes them, each with a `weight_decay`; `options` go to torch's AdamW."""
        super().__init__(
            [{**group, "weight_decay": 0.0, "cautious_weight_decay": group["weight_decay"]} for group in groups],
            **options,
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient; nothing where `found_inf` is set and not 0, as torch's does."""
        if closure is not None:
            raise ConfigurationError("CautiousAdamW takes no closure: compute the gradients first, then call step().")
        decayed = [
            (group, [each for each in group["params"] if each.grad is not None])
            for group in self.param_groups
            if group["cautious_weight_decay"]
        ]
        before = [[local_shard(each).clone() for each in parameters] for _, parameters in decayed]
        super().step()
        skip = getattr(self, "found_inf", None)
        for (group, parameters), old in zip(decayed, before, strict=True):
            amount = group["lr"] * group["cautious_weight_decay"]
            if parameters:
                cautious_weight_decay(
                    [local_shard(each) for each in parameters],
                    [local_shard(self.state[each]["exp_avg"]) for each in parameters],
                    before=old,
                    amount=amount if skip is None else amount * (1 - skip),
                )
