"""The neurons that a token excites most."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gpt25.figures.circuits.look import Look, Progress, Question, untold
from gpt25.figures.opened import AnyModel, OpenedModel, opened
from gpt25.inspection import ExcitedNeuron, excited_neurons, record, top_texts
from gpt25.plots import HeatMap, HeatMaps, heat_maps_figure
from gpt25.tokenizer import Tokenizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_SHOWN_AROUND = 8  # tokens of a text on either side of the one that excites a neuron


def neurons(
    model: AnyModel,
    prompt: str | Sequence[int],
    *,
    position: int = -1,
    count: int = 10,
    tokenizer: Tokenizer | None = None,
    name: str | None = None,
    axes: "Axes | None" = None,
) -> "Figure":
    """Draw the neurons that one token of a prompt excites most, at every token, with what each makes likelier.

    position: of that token, from 0 or from the end. axes: one Axes to draw on. Returns the figure. Raises
    InspectionError for a position that the text does not have.
    """
    given = opened(model, tokenizer=tokenizer, name=name)
    return heat_maps_figure(neurons_question(given, prompt, position, count).look(given, untold).maps, axes=axes)


def neurons_question(
    given: OpenedModel,
    prompt: str | Sequence[int],
    position: int = -1,
    count: int = 10,
    *,
    texts: Sequence[Sequence[int]] = (),
) -> Question:
    """The same as a question to any model of this shape; the neurons are this model's.

    texts: token ids, among which the ones that excite these neurons most are looked for.
    """
    token_ids, labels = given.read(prompt if isinstance(prompt, str) else list(prompt))
    strongest = excited_neurons(given.model, token_ids, position=position, count=count)
    place = position % len(token_ids)

    def look(asked: OpenedModel, progress: Progress) -> Look:
        activations = _activations(asked, token_ids, strongest)  # (neurons, time)
        rows = [f"{each.layer}.{each.neuron} {' '.join(asked.labels(list(each.promotes[:2])))}" for each in strongest]
        drawn = HeatMap(f"Excited by {labels[place]}", activations[::-1], rows[::-1], labels, "neuron", "token")
        notes, found = _top_texts(asked, strongest, texts)
        line = (
            f"The neurons that {labels[place]} (token {place}) excites most, the strongest on top, and how much each "
            "other token does. Behind a neuron's layer and number stand the tokens that it makes likelier."
        )
        title = f"{asked.name}: neurons that a token excites"
        maps = HeatMaps(title, line, [drawn], "activation", "amount", "neurons", notes)
        return Look(maps, {"neurons": [_as_found(asked, each) for each in strongest], "top_texts": found})

    def measure(asked: OpenedModel) -> dict[str, float]:
        at_place = _activations(asked, token_ids, strongest)[:, place].tolist()
        return {f"neuron {each.layer}.{each.neuron}": value for each, value in zip(strongest, at_place, strict=True)}

    return Question(
        look=look,
        measure=measure,
        title=f"when the neurons of {labels[place]} woke up",
        line="The neurons that the token excites most at the newest checkpoint, and how much it did at earlier ones.",
        label="activation",
    )


def _activations(given: OpenedModel, token_ids: list[int], chosen: list[ExcitedNeuron]) -> "NDArray[np.float64]":
    """(neurons, time)."""
    found = record(given.model, token_ids, "*.neurons")
    of_layer = [activations[0].double().cpu().numpy() for activations in found.values()]  # each (time, neurons)
    return np.stack([of_layer[each.layer][:, each.neuron] for each in chosen])


def _as_found(given: OpenedModel, each: ExcitedNeuron) -> dict[str, object]:
    return {
        "layer": each.layer,
        "neuron": each.neuron,
        "activation": each.activation,
        "promotes": given.labels(list(each.promotes)),
    }


def _top_texts(
    given: OpenedModel, chosen: list[ExcitedNeuron], texts: Sequence[Sequence[int]]
) -> tuple[list[tuple[str, list[str]]], list[list[dict[str, object]]]]:
    """For each neuron a heading with its strongest places in words, and the same for whoever computes."""
    if not texts:
        return [], []
    places = top_texts(given.model, texts, [(each.layer, each.neuron) for each in chosen])
    notes, found = [], []
    for each, strongest in zip(chosen, places, strict=True):
        lines, entries = [], []
        for top in strongest:
            text = list(texts[top.text])
            first = max(0, top.position - _SHOWN_AROUND)
            before = "".join(given.labels(text[first : top.position]))
            (here,) = given.labels([text[top.position]])
            behind = "".join(given.labels(text[top.position + 1 : top.position + 1 + _SHOWN_AROUND // 2]))
            lines.append(f"{top.activation:.2f}  {before}⟦{here}⟧{behind}")
            entries.append({"activation": top.activation, "before": before, "token": here, "behind": behind})
        notes.append((f"Texts that excite neuron {each.layer}.{each.neuron}", lines))
        found.append(entries)
    return notes, found
