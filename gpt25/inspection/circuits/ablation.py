"""What a model loses without one of its heads, a whole attention, a perceptron or a neuron."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.inspection.activations.record import record
from gpt25.inspection.circuits.ablated_losses import Start, ablated_losses, text_loss
from gpt25.inspection.reading import Tokens, batch_of
from gpt25.model import GPTModel

Replacement = Literal["mean", "zero"]
"""What stands in the place of what is taken away: its own mean over all positions of the texts, or zero."""


@dataclass(frozen=True)
class Ablation:
    """How much more each text costs, in nats per token, without one part; below 0 the part did harm."""

    loss: float
    """Of the whole model, in nats per token."""
    heads: NDArray[np.float64]
    """(layers, heads)."""
    attention: NDArray[np.float64]
    """(layers): without anything that the attention of a layer adds."""
    multi_layer_perceptron: NDArray[np.float64]
    """(layers)."""


def ablation(
    model: GPTModel,
    tokens: Tokens,
    *,
    replacement: Replacement = "mean",
    progress: Callable[[int], None] | None = None,
) -> Ablation:
    """Take every head, attention and perceptron away, one at a time, and measure the loss on these texts.

    tokens: the ids of one text of 2 tokens or more, or of several that are equally long. replacement: zero asks what
    the part does at all; mean what its work on this text adds to what it always does. progress: called with the number
    of runs done; there are layers * (heads + 2). Raises InspectionError for texts that have nothing to predict.

    Source: Michel et al. 2019, "Are Sixteen Heads Really Better than One?"; mean in place of zero: Wang et al. 2022,
    "Interpretability in the Wild", section 2.2.
    """
    indices = batch_of(model, tokens)  # (batch, time)
    layers, heads = model.configuration.number_of_layers, model.configuration.number_of_heads
    blocks = [f"transformer.hidden.{layer}" for layer in range(layers)]
    loss = text_loss(model, indices)
    recorded = record(model, indices, ["*.mixed", "*.attention", "*.multi_layer_perceptron", "*.residual_before"])
    of_heads, of_parts = np.empty((layers, heads)), np.empty((2, layers))
    for layer, block in enumerate(blocks):
        start = Start(indices, layer, recorded[f"{block}.residual_before"])
        name = f"{block}.attention.mixed"
        stand_in = _stand_in(recorded[name], replacement, keep=(1, 3))  # (1, heads, 1, head size)

        def without_head(activation: Tensor, head: int, stand_in: Tensor = stand_in) -> Tensor:
            activation[:, head] = stand_in[:, head]
            return activation

        of_heads[layer] = ablated_losses(model, start, name, heads, without_head, progress=progress)
        for place, part in enumerate((f"{block}.attention", f"{block}.multi_layer_perceptron")):
            constant = _stand_in(recorded[part], replacement, keep=(2,))  # (1, 1, channels)

            def without(activation: Tensor, _: int, constant: Tensor = constant) -> Tensor:
                return constant.expand_as(activation)

            of_parts[place, layer] = ablated_losses(model, start, part, 1, without, progress=progress)[0]
    return Ablation(loss, of_heads - loss, of_parts[0] - loss, of_parts[1] - loss)


def neuron_ablation(
    model: GPTModel,
    tokens: Tokens,
    *,
    layer: int,
    neurons: Sequence[int] | None = None,
    replacement: Replacement = "mean",
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """The same of the neurons of one layer's perceptron: how much more the texts cost without each, (neurons).

    neurons: which of them; without a choice all 4 * channels, a run to each. Raises InspectionError for a layer or a
    neuron that the model does not have.
    """
    shape = model.configuration
    count = shape.number_of_hidden_dimensions
    chosen = list(range(count)) if neurons is None else list(neurons)
    for what, number, limit in (("layer", layer, shape.number_of_layers), *(("neuron", n, count) for n in chosen)):
        if not 0 <= number < limit:
            raise InspectionError(f"{what} is {number}; this model's {what}s are 0 to {limit - 1:,}.")
    indices = batch_of(model, tokens)  # (batch, time)
    name = f"transformer.hidden.{layer}.multi_layer_perceptron.neurons"
    before = f"transformer.hidden.{layer}.residual_before"
    recorded = record(model, indices, [name, before])
    stand_in = _stand_in(recorded[name], replacement, keep=(2,))[0, 0]  # (4 * channels)

    def without(activation: Tensor, place: int) -> Tensor:
        activation[..., chosen[place]] = stand_in[chosen[place]]
        return activation

    start = Start(indices, layer, recorded[before])
    losses = ablated_losses(model, start, name, len(chosen), without, progress=progress)
    return losses - text_loss(model, indices)


def _stand_in(activation: Tensor, replacement: Replacement, *, keep: tuple[int, ...]) -> Tensor:
    """The mean over all dimensions but those to keep, or zeros, with dimensions of 1 for the others."""
    others = [dimension for dimension in range(activation.dim()) if dimension not in keep]
    mean = activation.mean(others, keepdim=True)
    return mean if replacement == "mean" else torch.zeros_like(mean)
