"""Activation patching: which activation, taken from one prompt into another, carries the answer over."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gpt25.inspection.activations.record import record
from gpt25.inspection.circuits.prompt_pair import PromptPair
from gpt25.inspection.circuits.restored_shares import restored_shares
from gpt25.model import GPTModel


@dataclass(frozen=True)
class ActivationPatching:
    """What each activation of the clean prompt restores in the corrupted one: 0 nothing, 1 the whole answer.

    Below 0 it makes the answer still less likely, above 1 likelier than in the clean prompt.
    """

    pair: PromptPair
    residual: NDArray[np.float64]
    """(layers + 1, time): the residual stream at one position before a layer; the last row is behind all."""
    attention: NDArray[np.float64]
    """(layers, time): what the attention of a layer adds at one position."""
    multi_layer_perceptron: NDArray[np.float64]
    """(layers, time): likewise of the perceptron."""
    heads: NDArray[np.float64]
    """(layers, heads): what one head has gathered, at all positions."""


def activation_patching(
    model: GPTModel, pair: PromptPair, *, progress: Callable[[int], None] | None = None
) -> ActivationPatching:
    """Run the corrupted prompt again and again, each time with one activation of the clean prompt in its place.

    progress: called with the number of runs done; there are (3 * layers + 1) * time + layers * heads.

    Source: Vig et al. 2020, "Investigating Gender Bias in Language Models Using Causal Mediation Analysis"; Meng et al.
    2022, "Locating and Editing Factual Associations in GPT", section 2.
    """
    shape = model.configuration
    layers, time, heads = shape.number_of_layers, len(pair.clean), shape.number_of_heads
    clean = record(
        model, pair.clean, ["*.residual_before", "*.residual_after", "*.attention", "*.multi_layer_perceptron"]
    )
    mixed = record(model, pair.clean, "*.mixed")
    streams = list(record(model, pair.corrupted, "*.residual_before").values())  # each (1, time, channels)

    def at_each_position(layer: int, part: str) -> NDArray[np.float64]:
        name = f"transformer.hidden.{layer}.{part}"

        def edits_of(chosen: range) -> dict[str, Callable[[Tensor], Tensor]]:
            def patch(activation: Tensor) -> Tensor:  # (rows, time, channels)
                for row, position in enumerate(chosen):
                    activation[row, position] = clean[name][0, position]
                return activation

            return {name: patch}

        return _told(restored_shares(model, pair, time, edits_of, layer=layer, stream=streams[layer]), progress)

    def of_each_head(layer: int) -> NDArray[np.float64]:
        name = f"transformer.hidden.{layer}.attention.mixed"

        def edits_of(chosen: range) -> dict[str, Callable[[Tensor], Tensor]]:
            def patch(activation: Tensor) -> Tensor:  # (rows, heads, time, head size)
                for row, head in enumerate(chosen):
                    activation[row, head] = mixed[name][0, head]
                return activation

            return {name: patch}

        return _told(restored_shares(model, pair, heads, edits_of, layer=layer, stream=streams[layer]), progress)

    every_layer = range(layers)
    before = [at_each_position(layer, "residual_before") for layer in every_layer]
    return ActivationPatching(
        pair=pair,
        residual=np.stack([*before, at_each_position(layers - 1, "residual_after")]),
        attention=np.stack([at_each_position(layer, "attention") for layer in every_layer]),
        multi_layer_perceptron=np.stack([at_each_position(layer, "multi_layer_perceptron") for layer in every_layer]),
        heads=np.stack([of_each_head(layer) for layer in every_layer]),
    )


def _told(shares: NDArray[np.float64], progress: Callable[[int], None] | None) -> NDArray[np.float64]:
    if progress is not None:
        progress(len(shares))
    return shares
