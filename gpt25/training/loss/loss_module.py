"""From token ids to the loss in one module, which DistributedDataParallel can wrap."""

import contextlib
import functools
from collections.abc import Callable, Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from gpt25.model import GPTModel
from gpt25.runtime import Precision, compile_choices
from gpt25.training.configuration.speed_configuration import SpeedConfiguration, is_on
from gpt25.training.loss.fused_loss import fused_loss
from gpt25.training.loss.gpu_loss import gpu_loss
from gpt25.training.loss.weight_copies import WeightCopies, add_in_place, joined_addition
from gpt25.training.sharding import full_model, is_sharded


class LossModule(nn.Module):
    """The model's mean next-token loss without its logits, in the precision of the run."""

    def __init__(
        self,
        model: GPTModel,
        *,
        precision: Precision,
        compile: bool = False,
        region: Literal["model", "blocks", "within blocks"] = "model",
        speed: SpeedConfiguration | None = None,
    ) -> None:
        """`region`: what is compiled as one piece, where `compile` asks for it; shards are gathered around blocks."""
        super().__init__()
        self.model = model
        self.precision = precision
        self._speed = speed or SpeedConfiguration()
        self._compile = compile
        self._hidden_states, self._simple_loss = self._forward_passes(region)

    def _forward_passes(
        self, region: Literal["model", "blocks", "within blocks"]
    ) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
        """What runs below the fused loss, and the simple loss, compiled where that is asked for.

        The model itself stays as it is: samples and evaluations, with their changing shapes, are not compiled.
        """
        hidden_states = self._run_own_blocks if self._speed.short_residual_stream else self.model.hidden_states
        if not self._compile:
            return hidden_states, self._simple
        # Every size its own code: by itself, torch makes one code for all sizes once it has met a second one, in a
        # curriculum or in the smaller last micro-batch of a validation, and its kernels know no size any more.
        choices = compile_choices(self._speed.compile_mode, self.model.device)
        compiled = functools.partial(torch.compile, dynamic=False, **choices)
        if region == "within blocks":
            for block in self.model.transformer.hidden:
                block.forward = compiled(block.forward)
            return hidden_states, self._simple
        simple = compiled(self._simple)
        if region == "model":
            return compiled(hidden_states), simple
        # A list, and no ModuleList: the parameters must not get second names.
        blocks = [compiled(block) for block in self.model.transformer.hidden]
        return functools.partial(self._run_blocks, blocks), simple

    def _run_own_blocks(self, indices: Tensor) -> Tensor:
        """The hidden states, uncompiled, with the residual stream between blocks in the run's precision."""
        return self._run_blocks(self.model.transformer.hidden, indices)

    def _run_blocks(self, blocks: Iterable[Callable[[Tensor], Tensor]], indices: Tensor) -> Tensor:
        """The hidden states through these blocks; blocks that were compiled one by one share one compiled graph.

        A backward pass that is compiled as a whole hands over its gradients only at its end; block by block,
        DistributedDataParallel averages the last ones while the first are still computed.
        """
        stream = self.model.transformer.embed(indices)  # (batch, time, channels)
        if self._speed.short_residual_stream:
            stream = stream.to(self.precision.dtype)  # what the parts add is in it already, and so are the sums
        for block in blocks:
            stream = block(stream)
        return self.model.transformer.final_layer_norm(stream)

    def weights_cast_once(self) -> contextlib.AbstractContextManager[None]:
        """For all micro-batches of an update: what autocast would cast in each, cast now. For one rank alone.

        Meanwhile nothing may move the weights, and the model's layers hold copies in the run's precision.
        """
        if self.precision.dtype == torch.float32 or is_sharded(self.model):
            return contextlib.nullcontext()
        is_joined = self._compile and self.model.device.type == "cuda"
        add = joined_addition() if is_joined else add_in_place
        return WeightCopies(self.model, self.precision.dtype, add=add).in_place()

    def unsharded(self) -> "LossModule":
        """This module, or, where the parameters are sharded, one with full parameters, which each rank may call alone.

        All ranks must call it.
        """
        if not is_sharded(self.model):
            return self
        return LossModule(full_model(self.model), precision=self.precision, speed=self._speed)

    def forward(self, indices: Tensor, labels: Tensor, parts: int | None = None) -> Tensor:
        """Mean cross-entropy in nats: ids and labels, both (batch, time) int64 -> a scalar.

        parts: the micro-batches of an update, by whose number it is divided; the backward pass has to begin at it then.
        """
        device_type = indices.device.type
        if self._speed.loss == "simple":
            with self.precision.autocast(indices.device):
                return _divided(self._simple_loss(indices, labels), parts)
        with self.precision.autocast(indices.device):
            hidden = self._hidden_states(indices)  # (batch, time, channels)
        # Layer norm leaves autocast in float32; the head is the largest product of all and runs in the run's dtype.
        hidden, weight = hidden.to(self.precision.dtype), self.model.language_modeling_head.weight
        padded = is_on(self._speed.padded_vocabulary, device_type=device_type)
        compiled = self._compile and device_type == "cuda"
        if padded or compiled:
            return gpu_loss(hidden, weight, labels, padded_vocabulary=padded, compiled=compiled, parts=parts)
        return _divided(fused_loss(hidden, weight, labels), parts)

    def _simple(self, indices: Tensor, labels: Tensor) -> Tensor:
        return self.model(indices, labels)[1]


def _divided(loss: Tensor, parts: int | None) -> Tensor:
    return loss if parts is None else loss / parts
