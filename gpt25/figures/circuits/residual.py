"""How long the residual stream's vectors are, layer by layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpt25.figures.circuits.look import Look, Progress, Question, numbers, untold
from gpt25.figures.opened import AnyModel, OpenedModel, opened
from gpt25.inspection import residual_norms
from gpt25.plots import HeatMap, HeatMaps, heat_maps_figure
from gpt25.tokenizer import Tokenizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL = "Euclidean norm"


def residual(
    model: AnyModel,
    prompt: str | Sequence[int] = "",
    *,
    tokenizer: Tokenizer | None = None,
    name: str | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "Figure":
    """Draw the norm of the residual stream before every layer at every token, and of what each half of a layer adds.

    axes: three of them. Returns the figure. Raises InspectionError for a prompt that the model cannot read.
    """
    given = opened(model, tokenizer=tokenizer, name=name)
    return heat_maps_figure(residual_question(given, prompt).look(given, untold).maps, axes=axes)


def residual_question(given: OpenedModel, prompt: str | Sequence[int] = "") -> Question:
    """The same as a question to any model of this vocabulary."""
    token_ids, labels = given.read(prompt if isinstance(prompt, str) else list(prompt))

    def look(asked: OpenedModel, progress: Progress) -> Look:
        found = residual_norms(asked.model, token_ids)
        layers = numbers(len(found.attention))
        maps = [
            HeatMap("Residual stream before", found.stream, [*layers, "end"], labels, across="token"),
            HeatMap("What attention adds", found.attention, layers, labels, across="token"),
            HeatMap("What the perceptron adds", found.multi_layer_perceptron, layers, labels, across="token"),
        ]
        line = (
            "Read upwards: the stream grows as every layer adds to it. A column that stands out, often the first "
            "token, is a place where heads rest; the colours go by powers."
        )
        title = f"{asked.name}: norm of the residual stream"
        return Look(HeatMaps(title, line, maps, _LABEL, "size", "residual stream"), {"norms": found})

    def measure(asked: OpenedModel) -> dict[str, float]:
        means = residual_norms(asked.model, token_ids).stream.mean(1)
        names = [*(f"before layer {layer}" for layer in range(len(means) - 1)), "behind the last layer"]
        return dict(zip(names, means.tolist(), strict=True))

    return Question(
        look=look,
        measure=measure,
        title="norm of the residual stream",
        line="The mean over the prompt's tokens before each layer and behind the last one, at each checkpoint.",
        label=_LABEL,
    )
