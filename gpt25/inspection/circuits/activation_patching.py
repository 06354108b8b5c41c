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

_PARTS = ("residual_before", "residual_after", "attention", "multi_layer_perceptron")
_MIXED = "attention.mixed"


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
    layers, time = range(model.configuration.number_of_layers), len(pair.clean)
    clean = record(model, pair.clean, [f"*.{part}" for part in _PARTS])
    streams = _streams(model, pair)

    def restored(layer: int, part: str) -> NDArray[np.float64]:
        name = f"transformer.hidden.{layer}.{part}"
        return _restored(model, pair, name, clean, time, layer, streams[layer], progress)

    before = [restored(layer, "residual_before") for layer in layers]
    return ActivationPatching(
        pair=pair,
        residual=np.stack([*before, restored(layers[-1], "residual_after")]),
        attention=np.stack([restored(layer, "attention") for layer in layers]),
        multi_layer_perceptron=np.stack([restored(layer, "multi_layer_perceptron") for layer in layers]),
        heads=head_patching(model, pair, progress=progress),
    )


def head_patching(
    model: GPTModel, pair: PromptPair, *, progress: Callable[[int], None] | None = None
) -> NDArray[np.float64]:
    """The heads of `activation_patching` alone, (layers, heads)."""
    clean, streams = record(model, pair.clean, f"*.{_MIXED}"), _streams(model, pair)
    heads = model.configuration.number_of_heads
    names = [f"transformer.hidden.{layer}.{_MIXED}" for layer in range(len(streams))]
    return np.stack(
        [
            _restored(model, pair, name, clean, heads, layer, streams[layer], progress)
            for layer, name in enumerate(names)
        ]
    )


def _streams(model: GPTModel, pair: PromptPair) -> list[Tensor]:
    """What the corrupted prompt has before every layer, each (1, time, channels)."""
    return list(record(model, pair.corrupted, "*.residual_before").values())


def _restored(
    model: GPTModel,
    pair: PromptPair,
    name: str,
    clean: dict[str, Tensor],
    places: int,
    layer: int,
    stream: Tensor,
    progress: Callable[[int], None] | None,
) -> NDArray[np.float64]:
    """What each place of one activation, along its second dimension (positions, or heads), restores: (places)."""

    def edits_of(chosen: range) -> dict[str, Callable[[Tensor], Tensor]]:
        def patch(activation: Tensor) -> Tensor:  # (rows, places, …)
            for row, place in enumerate(chosen):
                activation[row, place] = clean[name][0, place]
            return activation

        return {name: patch}

    shares = restored_shares(model, pair, places, edits_of, layer=layer, stream=stream)
    if progress is not None:
        progress(places)
    return shares
