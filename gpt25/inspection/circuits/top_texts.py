"""The texts that excite a neuron most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import nlargest

from gpt25.counted import counted
from gpt25.errors import InspectionError
from gpt25.inspection.activations.record import record
from gpt25.model import GPTModel


@dataclass(frozen=True)
class TopText:
    """One place of one text at which a neuron is excited."""

    activation: float
    """Behind GELU."""
    text: int
    """Which of the texts, from 0."""
    position: int
    """Which of its tokens."""


def top_texts(
    model: GPTModel,
    texts: Sequence[Sequence[int]],
    neurons: Sequence[tuple[int, int]],
    *,
    count: int = 5,
    progress: Callable[[int], None] | None = None,
) -> list[list[TopText]]:
    """For each neuron, a pair of layer and number, the texts that excite it most, the strongest first.

    texts: token ids, each of 1 to block size tokens. Of each text a neuron's strongest position counts. progress:
    called with 1 after each text. Raises InspectionError for a neuron that the model does not have and a text that it
    cannot read.
    """
    shape = model.configuration
    for layer, neuron in neurons:
        if not (0 <= layer < shape.number_of_layers and 0 <= neuron < shape.number_of_hidden_dimensions):
            raise InspectionError(
                f"there is no neuron {neuron} of layer {layer}; this model has "
                f"{counted(shape.number_of_layers, 'layers')} of "
                f"{shape.number_of_hidden_dimensions:,}."
            )
    if not neurons:
        return []
    layers = sorted({layer for layer, _ in neurons})
    names = {layer: f"transformer.hidden.{layer}.multi_layer_perceptron.neurons" for layer in layers}
    found: list[list[TopText]] = [[] for _ in neurons]
    for number, text in enumerate(texts):
        activations = record(model, list(text), list(names.values()))
        for (layer, neuron), places in zip(neurons, found, strict=True):
            strongest, position = activations[names[layer]][0, :, neuron].float().max(0)  # of (time)
            places.append(TopText(float(strongest), number, int(position)))
        if progress is not None:
            progress(1)
    return [nlargest(count, places, key=lambda place: place.activation) for places in found]
