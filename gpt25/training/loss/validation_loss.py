"""The loss on held-out tokens during training."""

import torch

from gpt25.data import TokenShards, Validation
from gpt25.runtime import Ranks, to_device
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.loss.loss_module import LossModule

_TOKENS_PER_BATCH = 8192


class ValidationLoss:
    """Mean nats per token over the same validation tokens each time, divided among the ranks."""

    def __init__(
        self,
        configuration: TrainingConfiguration,
        shards: TokenShards,
        loss_module: LossModule,
        *,
        ranks: Ranks,
        device: torch.device,
        micro_batch_rows: int,
    ) -> None:
        """Choose the tokens; raises DataError where the shards cannot fill one row."""
        block_size = configuration.model.block_size
        available = (shards.number_of_tokens - 1) // block_size * block_size
        self.validation = Validation(
            shards,
            block_size,
            min(configuration.data.validation_tokens, available) or None,
            vocabulary_size=configuration.model.vocabulary_size,
            selection=configuration.data.validation_selection,
        )
        self._loss_module = loss_module
        self._ranks = ranks
        self._device = device
        # Without a backward pass, more rows fit than in training; a handful of short ones would waste the processor.
        self._rows_per_batch = max(micro_batch_rows, _TOKENS_PER_BATCH // block_size)

    @torch.no_grad()
    def measure(self) -> float:
        """The loss now; every rank calls this and gets the same number."""
        loss_module, ranks = self._loss_module.unsharded(), self._ranks
        model = loss_module.model
        model.eval()
        # Added up on the device, in float64 where it has that, so that no micro-batch waits for the one before it.
        dtype = torch.float32 if self._device.type == "mps" else torch.float64
        total = torch.zeros((), dtype=dtype, device=self._device)
        for indices, labels in self.validation.micro_batches(self._rows_per_batch, ranks.rank, ranks.number_of_ranks):
            loss = loss_module(to_device(indices, self._device), to_device(labels, self._device))
            total += loss.to(dtype) * labels.numel()
        model.train()
        return ranks.sum([float(total)], device=self._device)[0] / self.validation.number_of_tokens
