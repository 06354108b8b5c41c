"""The mean of the weights over the last updates of a run."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gpt25.errors import CorruptFileError
from gpt25.model import GPTModel
from gpt25.training.sharding import copy_full, local_shard

_COUNT = "averaged_updates"


class WeightAverage:
    """A float32 copy of a model's weights that becomes their mean after each of a run's last updates.

    Every one of these updates counts alike, as in stochastic weight averaging (Izmailov et al. 2018, arXiv 1803.05407)
    and latest weight averaging (Kaddour 2022, arXiv 2209.14981); an exponential mean would need a second
    hyperparameter, its decay, and forgets by it what the fraction here cuts off. Unlike both, it is taken after every
    update, where it costs one pass over the weights. An update that was skipped counts with the weights that it left as
    they were.

    The copy lies where the weights do, sharded as they are; it is there from the beginning, so that
    memory does not run out at the end.
    """

    def __init__(self, model: GPTModel, *, last_fraction: float, number_of_updates: int, not_before: int = 0) -> None:
        """last_fraction: of the updates, above 0; one update at least is averaged.

        not_before: updates of which none counts, because the run became longer after them.
        """
        self.first_update = max(not_before, number_of_updates - max(1, round(last_fraction * number_of_updates)))
        """Updates, of the run's, before the first one that counts."""
        self.updates = 0
        """Updates that have counted so far."""
        self._number_of_updates = number_of_updates
        self._weights = dict(model.named_parameters())
        self._means = {name: torch.zeros_like(weight) for name, weight in self._weights.items()}

    @torch.no_grad()
    def count(self, update: int) -> None:
        """Take in the weights as an update, counted from 0, has left them; nothing before the first that counts."""
        if update < self.first_update:
            return
        self.updates += 1
        # The first time, the means become the weights themselves.
        torch._foreach_lerp_(_local_shards(self._means), _local_shards(self._weights), 1 / self.updates)

    @torch.no_grad()
    def swap(self) -> None:
        """Let the model have the mean and keep the model's weights here; and the same way back."""
        for mean, weight in zip(_local_shards(self._means), _local_shards(self._weights), strict=True):
            before = weight.clone()
            weight.copy_(mean)
            mean.copy_(before)

    def is_in_checkpoint(self, updates_done: int) -> bool:
        """Whether a checkpoint after so many updates has a mean that training goes on with."""
        return self.first_update < updates_done < self._number_of_updates

    def state(self) -> dict[str, Tensor]:
        """The mean under the parameters' names, and how many updates it is of."""
        return {**self._means, _COUNT: torch.tensor(float(self.updates))}

    @torch.no_grad()
    def load_state(self, tensors: dict[str, Tensor], *, updates_done: int) -> None:
        """Put back what `state` returned after so many updates; raises CorruptFileError for anything else."""
        own = self.state()
        if {name: tensor.shape for name, tensor in tensors.items()} != {
            name: tensor.shape for name, tensor in own.items()
        }:
            raise CorruptFileError("the average of the weights is of another model: names or shapes differ.")
        found, expected = int(tensors[_COUNT]), updates_done - self.first_update
        if found != expected:
            raise CorruptFileError(
                f"the average of the weights is of {found:,} updates; this configuration averages {expected:,} of the "
                f"{updates_done:,} that were done."
            )
        self.updates = found
        for name, mean in self._means.items():
            copy_full(mean, tensors[name])


def _local_shards(tensors: Mapping[str, Tensor]) -> list[Tensor]:
    return [local_shard(tensor) for tensor in tensors.values()]
