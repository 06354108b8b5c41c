"""The neurons that a token excites most, and what they make likelier."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gpt25.errors import InspectionError
from gpt25.inspection.activations.record import record
from gpt25.inspection.activations.visit import weight_of
from gpt25.model import GPTModel
from gpt25.model.block import Block


@dataclass(frozen=True)
class ExcitedNeuron:
    """One neuron of a perceptron, at one position of a text."""

    layer: int
    neuron: int
    activation: float
    """Behind GELU."""
    promotes: tuple[int, ...]
    """The tokens whose logits its output raises most, by the head's own rows; strongest first."""


def excited_neurons(
    model: GPTModel, token_ids: Sequence[int], *, position: int = -1, count: int = 10, promoted: int = 5
) -> list[ExcitedNeuron]:
    """The `count` neurons of all layers whose activations at a position are largest, largest first.

    position: counted from 0, or from the end. promoted: how many tokens to name for each. Raises InspectionError for a
    position that the text does not have, a count below 1, and a model in int8.
    """
    time = len(token_ids)
    if not -time <= position < time:
        raise InspectionError(f"position is {position}; this text has the positions 0 to {time - 1}.")
    if count < 1:
        raise InspectionError(f"{count} neurons were asked for; ask for 1 or more.")
    found = record(model, token_ids, "*.neurons")
    activations = torch.stack([of_layer[0, position].float() for of_layer in found.values()])  # (layers, 4 * channels)
    width = activations.size(1)
    strongest = activations.flatten().topk(min(count, activations.numel()))
    return [
        ExcitedNeuron(
            layer=place // width,
            neuron=place % width,
            activation=activation,
            promotes=promoted_tokens(model, place // width, place % width, count=promoted),
        )
        for activation, place in zip(strongest.values.tolist(), strongest.indices.tolist(), strict=True)
    ]


def promoted_tokens(model: GPTModel, layer: int, neuron: int, *, count: int = 5) -> tuple[int, ...]:
    """The tokens whose logits a neuron's output raises most, strongest first, with the final layer norm's gains.

    Source: Geva et al. 2022, "Transformer Feed-Forward Layers Build Predictions by Promoting Concepts in the Vocabulary
    Space", section 3.
    """
    block = model.transformer.hidden[layer]
    assert isinstance(block, Block)
    written = weight_of("promoted_tokens", block.multi_layer_perceptron.projection).detach()[:, neuron]  # (channels)
    centred = (written - written.mean()) * model.transformer.final_layer_norm.weight.detach()  # (channels)
    raised = weight_of("promoted_tokens", model.language_modeling_head).detach() @ centred  # (vocabulary)
    return tuple(raised.topk(min(count, len(raised))).indices.tolist())
