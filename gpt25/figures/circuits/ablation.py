"""What a text costs more without a part of the model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from gpt25.errors import InspectionError
from gpt25.figures.circuits.look import Look, Progress, Question, heads_by_name, numbers, untold
from gpt25.figures.opened import AnyModel, OpenedModel, opened
from gpt25.inspection import Replacement, neuron_ablation, position_ablation
from gpt25.inspection import ablation as ablated
from gpt25.plots import HeatMap, HeatMaps, heat_maps_figure
from gpt25.tokenizer import Tokenizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Parts = Literal["heads", "neurons", "positions"]
"""What is taken away, one at a time."""

_NEURONS_IN_A_ROW = 64
_LABEL = "nats per token more"


def ablation(
    model: AnyModel,
    prompt: str | Sequence[int],
    *,
    of: Parts = "heads",
    layer: int | None = None,
    replacement: Replacement = "mean",
    tokenizer: Tokenizer | None = None,
    name: str | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "Figure":
    """Draw how much more a text costs without each head, without each neuron of a layer, or without the positions.

    replacement: whether a head or neuron gives its own mean or zero. layer: of the neurons; the last one without it.
    axes: two for heads and positions, one for neurons. Returns the figure. Raises InspectionError for a text of fewer
    than 2 tokens and a layer that the model does not have.
    """
    given = opened(model, tokenizer=tokenizer, name=name)
    return heat_maps_figure(
        ablation_question(given, prompt, of, layer, replacement).look(given, untold).maps, axes=axes
    )


def ablation_question(
    given: OpenedModel,
    prompt: str | Sequence[int],
    of: Parts = "heads",
    layer: int | None = None,
    replacement: Replacement = "mean",
) -> Question:
    """The same as a question to any model of this vocabulary."""
    token_ids, labels = given.read(prompt if isinstance(prompt, str) else list(prompt))
    if layer is not None and of != "neurons":
        raise InspectionError(f"a layer is chosen for neurons; of {of} all layers are drawn.")
    if of == "positions":
        return _positions(token_ids, labels)
    last = given.model.configuration.number_of_layers - 1
    if of == "neurons":
        runs = given.model.configuration.number_of_hidden_dimensions
        return _neurons(token_ids, last if layer is None else layer, replacement, runs)
    return _heads(token_ids, replacement, (last + 1) * (given.model.configuration.number_of_heads + 2))


def _heads(token_ids: list[int], replacement: Replacement, runs: int) -> Question:
    def look(asked: OpenedModel, progress: Progress) -> Look:
        found = ablated(asked.model, token_ids, replacement=replacement, progress=progress)
        layers, heads = found.heads.shape
        halves = np.stack([found.attention, found.multi_layer_perceptron], axis=1)
        maps = [
            HeatMap("Without one head", found.heads, numbers(layers), numbers(heads)),
            HeatMap("Without one half", halves, numbers(layers), ["attention", "perceptron"], across=""),
        ]
        line = (
            f"How much more this text costs than {found.loss:.2f} nats per token when one part gives "
            f"{_in_words(replacement)}: blue parts are missed, red ones did harm here."
        )
        title = f"{asked.name}: what is missed"
        return Look(HeatMaps(title, line, maps, _LABEL, "signed", "ablation"), {"ablation": found})

    def measure(asked: OpenedModel) -> dict[str, float]:
        return heads_by_name(ablated(asked.model, token_ids, replacement=replacement).heads)

    line = "How much more the text costs without each head, at each checkpoint; a head whose line rises is needed."
    return Question(look, measure, "which heads are missed", line, _LABEL, runs)


def _neurons(token_ids: list[int], layer: int, replacement: Replacement, runs: int) -> Question:
    def look(asked: OpenedModel, progress: Progress) -> Look:
        found = neuron_ablation(asked.model, token_ids, layer=layer, replacement=replacement, progress=progress)
        width = min(_NEURONS_IN_A_ROW, len(found))
        padded = np.full(-(-len(found) // width) * width, np.nan)
        padded[: len(found)] = found
        rows = [str(first) for first in range(0, len(padded), width)]
        values = padded.reshape(-1, width)
        maps = [HeatMap(f"Neurons of layer {layer}", values, rows, numbers(width), down="neuron from", across="and on")]
        strongest = ", ".join(str(number) for number in np.argsort(-found)[:5])
        line = (
            f"How much more this text costs when one neuron gives {_in_words(replacement)}: blue ones are missed, "
            f"most of all {strongest}."
        )
        title = f"{asked.name}: neurons that are missed"
        return Look(HeatMaps(title, line, maps, _LABEL, "signed", "ablation"), {"layer": layer, "neurons": found})

    def measure(asked: OpenedModel) -> dict[str, float]:
        found = neuron_ablation(asked.model, token_ids, layer=layer, replacement=replacement)
        return {f"neuron {layer}.{number}": float(value) for number, value in enumerate(found)}

    line = "How much more the text costs without each neuron, at each checkpoint."
    return Question(look, measure, f"which neurons of layer {layer} are missed", line, _LABEL, runs)


def _positions(token_ids: list[int], labels: list[str]) -> Question:
    def look(asked: OpenedModel, progress: Progress) -> Look:
        found = position_ablation(asked.model, token_ids)
        kinds = ["shuffled", "zero", "mean"]
        costs = np.stack([found.by_position[kind] - found.by_position["as it is"] for kind in kinds])
        maps = [
            HeatMap("A token hidden from all later ones", found.hidden[None], [""], labels, down="", across="hidden"),
            HeatMap("Other positional embeddings", costs, kinds, labels[:-1], down="", across="reads"),
        ]
        line = (
            f"How much more this text costs than {found.loss:.2f} nats per token: above, when no later token can look "
            "at one; below, for each next token, when the positional embeddings are all their mean, zero or shuffled."
        )
        title = f"{asked.name}: what positions are worth"
        return Look(HeatMaps(title, line, maps, _LABEL, "signed", "ablation"), {"ablation": found})

    def measure(asked: OpenedModel) -> dict[str, float]:
        found = position_ablation(asked.model, token_ids)
        kinds = {"mean": found.mean, "zero": found.zero, "shuffled": found.shuffled}
        return {kind: value - found.loss for kind, value in kinds.items()}

    line = "How much more the text costs when the positional embeddings are replaced: where a line rises, order counts."
    return Question(look, measure, "what positions are worth", line, _LABEL)


def _in_words(replacement: Replacement) -> str:
    return "its own mean" if replacement == "mean" else "nothing"
