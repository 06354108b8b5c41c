"""One update on one rank: forward and backward over its part of the batch, then the optimizers' step."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from gpt25.data import Batches
from gpt25.model import GPTModel
from gpt25.runtime import Precision, Ranks, derive_seed
from gpt25.training.configuration.speed_configuration import is_on
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.loop.accumulation import accumulate_gradients, fitting_micro_batch_rows
from gpt25.training.loop.prefetched_batches import PrefetchedBatches
from gpt25.training.loss.loss_module import LossModule
from gpt25.training.optimizers.distributed_orthogonalisation import DistributedOrthogonalisation
from gpt25.training.optimizers.optimizers import Optimizers
from gpt25.training.optimizers.schedule import learning_rate_factor
from gpt25.training.optimizers.weight_average import WeightAverage
from gpt25.training.sharding import full, is_sharded, local_shard


class GradientUpdate:
    """The gradients of an update, and what becomes of them; updates are counted from 0 here.

    It knows nothing of records, checkpoints or signals: the trainer decides whether gradients are applied or dropped.
    """

    def __init__(
        self,
        configuration: TrainingConfiguration,
        *,
        model: GPTModel,
        loss_module: LossModule,
        batches: Batches,
        ranks: Ranks,
        device: torch.device,
    ) -> None:
        self.optimizers = Optimizers(
            model,
            configuration.optimizer,
            distributed=_distributed_orthogonalisation(configuration, ranks),
            orthogonalise_in_bfloat16=orthogonalises_in_bfloat16(configuration, device, loss_module.precision),
        )
        self.average = _average(configuration, model)
        """The mean of the weights over the last updates, where the configuration asks for one."""
        self._configuration = configuration
        self._model = model
        self._module: torch.nn.Module = loss_module
        self._weights_cast_once = loss_module.weights_cast_once if ranks.is_alone else contextlib.nullcontext
        self._batches = batches
        self._ranks = ranks
        self._device = device
        self._sizes = configuration.update_sizes
        self._prefetched = PrefetchedBatches(
            self._micro_batches,
            number_of_updates=configuration.loop.number_of_updates,
            device=device,
        )

    def average_over_ranks(self) -> None:
        """From now on several ranks average their gradients, while the last backward pass still runs."""
        if not self._ranks.is_alone and not is_sharded(self._model):  # FSDP averages its shards itself
            self._module = DistributedDataParallel(self._module, gradient_as_bucket_view=True)

    def accumulate(self, update: int) -> tuple[Tensor, Tensor]:
        """Forward and backward over this rank's micro-batches; returns its mean loss in nats and the gradient norm.

        Both are scalars on the device, which may not have computed them yet.
        """
        settings = self._configuration
        torch.manual_seed(derive_seed(settings.loop.seed, "dropout", update, self._ranks.rank))
        prefetch = is_on(settings.speed.prefetch, device_type=self._device.type)
        micro_batches = self._prefetched.of(update) if prefetch else list(self._micro_batches(update))
        with self._weights_cast_once():
            loss = accumulate_gradients(
                self._module,
                micro_batches,
                sequence_length=settings.sequence_length(update),
                device=self._device,
            )
        return loss, full(torch.nn.utils.get_total_norm(self._gradients()))

    def apply(self, update: int, norm: float) -> None:
        """Clip the gradients, whose norm is given, and move the weights with them."""
        limit = self._configuration.optimizer.clip_gradient_norm
        if limit is not None and norm > limit:
            torch._foreach_mul_([local_shard(each) for each in self._gradients()], limit / norm)
        self._step(update, skip=None)

    def apply_if_finite(self, update: int, loss: Tensor, norm: Tensor) -> None:
        """The same, or nothing where loss or norm, scalars on the device, are not finite: the device decides."""
        limit = self._configuration.optimizer.clip_gradient_norm
        if limit is not None:
            factor = (limit / norm).clamp(max=1.0)
            torch._foreach_mul_([local_shard(each) for each in self._gradients()], factor)
        self._step(update, skip=~(loss.isfinite() & norm.isfinite()))

    def _step(self, update: int, *, skip: Tensor | None) -> None:
        self.optimizers.step(
            learning_rate_factor=self.learning_rate_factor(update),
            progress=update / self._configuration.updates_at_first,
            update=update,
            skip=skip,
        )

    def end(self, update: int) -> None:
        """Forget the gradients, applied or not, give their memory back, and count the weights that this update left."""
        self.optimizers.zero_gradients()
        if self.average is not None:
            self.average.count(update)

    def learning_rate_factor(self, update: int) -> float:
        """The part of the peak learning rates that this update moves the weights by."""
        configuration = self._configuration
        number, extensions = configuration.loop.number_of_updates, configuration.history.extensions
        return learning_rate_factor(configuration.schedule, update, number, extensions=extensions)

    def _micro_batches(self, update: int) -> Iterator[tuple[Tensor, Tensor]]:
        ranks, rows = self._ranks, self._sizes.rows(update)
        return self._batches.for_update(
            update,
            rows_per_update=rows,
            micro_batch_rows=fitting_micro_batch_rows(self._configuration, ranks, rows=rows),
            rank=ranks.rank,
            number_of_ranks=ranks.number_of_ranks,
            first_row=self._sizes.rows_before(update),
        )

    def _gradients(self) -> list[Tensor]:
        return [parameter.grad for parameter in self._model.parameters() if parameter.grad is not None]


def orthogonalises_in_bfloat16(
    configuration: TrainingConfiguration, device: torch.device, precision: Precision
) -> bool:
    """Whether Muon's products run in bfloat16: "auto" follows the run's precision on a CUDA GPU, and nowhere else."""
    switch = configuration.speed.bfloat16_orthogonalisation
    return precision.name == "bfloat16" and device.type == "cuda" if switch == "auto" else switch


def _distributed_orthogonalisation(
    configuration: TrainingConfiguration, ranks: Ranks
) -> DistributedOrthogonalisation | None:
    """What divides Muon's orthogonalisation among several ranks, where the configuration has it."""
    if ranks.is_alone or configuration.speed.share_orthogonalisation is False:
        return None
    return DistributedOrthogonalisation(ranks, timeout_seconds=configuration.loop.timeout_seconds)


def _average(configuration: TrainingConfiguration, model: GPTModel) -> WeightAverage | None:
    fraction, number = configuration.loop.average_last_fraction, configuration.loop.number_of_updates
    if not fraction:
        return None
    extensions = configuration.history.extensions
    went_on_after = extensions[-1][0] if extensions else 0
    return WeightAverage(model, last_fraction=fraction, number_of_updates=number, not_before=went_on_after)
