"""From token ids to the loss in one module, which DistributedDataParallel can wrap."""

import torch
from torch import Tensor, nn

from gpt25.model import GPTModel
from gpt25.runtime import Precision
from gpt25.training.fused_loss import fused_loss


class LossModule(nn.Module):
    """The model's mean next-token loss without its logits, in the precision of the run."""

    def __init__(self, model: GPTModel, *, precision: Precision, compile: bool = False) -> None:
        super().__init__()
        self.model = model
        self._precision = precision
        self._hidden_states = torch.compile(model.hidden_states) if compile else model.hidden_states

    def forward(self, indices: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy in nats: ids and labels, both (batch, time) int64 -> a number."""
        with self._precision.autocast(indices.device):
            hidden = self._hidden_states(indices)  # (batch, time, channels)
        # Layer norm leaves autocast in float32; the head is the largest product of all and runs in the chosen type.
        return fused_loss(hidden.to(self._precision.dtype), self.model.language_modeling_head.weight, labels)
