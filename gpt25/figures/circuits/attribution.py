"""Which part of a model wrote the answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gpt25.figures.circuits.look import Look, Progress, Question, heads_by_name, numbers, untold
from gpt25.figures.circuits.one_token import one_token
from gpt25.figures.opened import AnyModel, OpenedModel, opened
from gpt25.inspection import LogitAttribution, logit_attribution
from gpt25.plots import HeatMap, HeatMaps, heat_maps_figure
from gpt25.tokenizer import Tokenizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def attribution(
    model: AnyModel,
    prompt: str | Sequence[int],
    *,
    answer: str | int | None = None,
    other: str | int | None = None,
    tokenizer: Tokenizer | None = None,
    name: str | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "Figure":
    """Draw what every head and every perceptron added to the logit of the token that follows a prompt.

    answer: whose logit; without it the likeliest token's. other: less the logit of this one. axes: three of them.
    Returns the figure. Raises InspectionError for a prompt or a token that the model does not read.
    """
    given = opened(model, tokenizer=tokenizer, name=name)
    return heat_maps_figure(attribution_question(given, prompt, answer, other).look(given, untold).maps, axes=axes)


def attribution_question(
    given: OpenedModel, prompt: str | Sequence[int], answer: str | int | None = None, other: str | int | None = None
) -> Question:
    """The same as a question to any model of this vocabulary; the token is this model's."""
    token_ids, _ = given.read(prompt if isinstance(prompt, str) else list(prompt))
    against = one_token(given, other, "the other token")
    wanted = one_token(given, answer, "the answer")
    chosen = logit_attribution(given.model, token_ids, token_id=wanted, against=against).token_id
    (label,) = given.labels([chosen])
    what = label if against is None else f"{label} over {given.labels([against])[0]}"

    def attributed(asked: OpenedModel) -> LogitAttribution:
        return logit_attribution(asked.model, token_ids, token_id=chosen, against=against)

    def look(asked: OpenedModel, progress: Progress) -> Look:
        return _look(asked, attributed(asked), what)

    def measure(asked: OpenedModel) -> dict[str, float]:
        found = attributed(asked)
        perceptrons = {f"perceptron {n}": float(value) for n, value in enumerate(found.multi_layer_perceptrons)}
        return heads_by_name(found.heads) | perceptrons

    return Question(
        look=look,
        measure=measure,
        title=f"who writes {what}",
        line="What each head and perceptron adds to the logit at each checkpoint; above 0 it speaks for the token.",
        label="logits",
    )


def _look(given: OpenedModel, found: LogitAttribution, what: str) -> Look:
    layers, heads = found.heads.shape
    halves = np.stack([found.heads.sum(1) + found.attention_biases, found.multi_layer_perceptrons], axis=1)
    ends = np.array([[found.token_embedding, found.positional_embedding, found.final_bias]])
    maps = [
        HeatMap("Heads", found.heads, numbers(layers), numbers(heads)),
        HeatMap("Halves of a layer", halves, numbers(layers), ["attention", "perceptron"], across=""),
        HeatMap("Ends", ends, [""], ["token", "position", "last bias"], down="", across=""),
    ]
    line = (
        f"What each part added to the logit of {what}, which is {found.logit:.2f}: blue spoke for it, red against it. "
        "All halves and ends together are the logit."
    )
    title = f"{given.name}: who wrote {what}"
    return Look(HeatMaps(title, line, maps, "logits", "signed", "logit attribution"), {"attribution": found})
