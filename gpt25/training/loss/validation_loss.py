"""The loss on held-out tokens during training."""

import torch

from gpt25.data import TokenShards, Validation
from gpt25.runtime import Ranks
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.loss.loss_module import LossModule

_TOKENS_AT_ONCE = 8192


class ValidationLoss:
    """Mean nats per token over the same validation tokens each time, shared out over the ranks."""

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
        self._rows_at_once = max(micro_batch_rows, _TOKENS_AT_ONCE // block_size)

    @torch.no_grad()
    def measure(self) -> float:
        """The loss now; every rank calls this and gets the same number."""
        loss_module, ranks = self._loss_module.unsharded(), self._ranks
        model = loss_module.model
        model.eval()
        # Added up on the device, in float64 where it has that, so that no micro-batch waits for the one before it.
        dtype_name = torch.float32 if self._device.type == "mps" else torch.float64
        total = torch.zeros((), dtype=dtype_name, device=self._device)
        for indices, labels in self.validation.micro_batches(self._rows_at_once, ranks.rank, ranks.number_of_ranks):
            loss = loss_module(self._on_device(indices), self._on_device(labels))
            total += loss.to(dtype_name) * labels.numel()
        model.train()
        return ranks.sum([float(total)], device=self._device)[0] / self.validation.number_of_tokens

    def _on_device(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy that a GPU makes while it computes."""
        pinned = tensor.pin_memory() if self._device.type == "cuda" else tensor
        return pinned.to(self._device, non_blocking=True)
