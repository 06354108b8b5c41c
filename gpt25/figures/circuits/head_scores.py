"""Which heads look back, and how: previous token, duplicate token, induction."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpt25.figures.circuits.look import Look, Progress, Question, numbers, untold
from gpt25.figures.opened import AnyModel, OpenedModel, opened
from gpt25.inspection import HeadScores
from gpt25.inspection import head_scores as scores_of
from gpt25.plots import HeatMap, HeatMaps, heat_maps_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_KINDS = {
    "previous_token": "Previous token",
    "duplicate_token": "Duplicate token",
    "induction": "Induction",
}


def head_scores(
    model: AnyModel, *, seed: int = 0, name: str | None = None, axes: "Axes | Sequence[Axes] | None" = None
) -> "Figure":
    """Draw how much each head looks at the token before, at the same token earlier, and at what followed it.

    Measured on random tokens that come twice, which `seed` draws. axes: three, one to each kind. Returns the figure.
    Raises InspectionError for a model whose block size is below 6.
    """
    look = head_scores_question(seed=seed).look(opened(model, name=name), untold)
    return heat_maps_figure(look.maps, axes=axes)


def head_scores_question(*, seed: int = 0) -> Question:
    """The same as a question to any model."""

    def look(given: OpenedModel, progress: Progress) -> Look:
        scores = scores_of(given.model, seed=seed)
        layers, heads = scores.induction.shape
        maps = [
            HeatMap(title, getattr(scores, kind), numbers(layers), numbers(heads)) for kind, title in _KINDS.items()
        ]
        line = (
            f"On {scores.length} random tokens that come twice: a blue cell is a head that looks at the token before, "
            "at the same token in the first half, or behind that, where a model that can continue what it has read "
            f"once finds the answer. This one needs {scores.first_loss:.2f} nats per token in the first half and "
            f"{scores.second_loss:.2f} in the second."
        )
        drawn = HeatMaps(
            f"{given.name}: what the heads look back at", line, maps, "share of attention", "share", "heads"
        )
        return Look(drawn, {"scores": scores, "strongest": strongest(scores)})

    def measure(given: OpenedModel) -> dict[str, float]:
        scores = scores_of(given.model, seed=seed)
        return {
            f"{title.lower()}, strongest head": float(getattr(scores, kind).max()) for kind, title in _KINDS.items()
        }

    return Question(
        look=look,
        measure=measure,
        title="when the heads that look back form",
        line=(
            "The strongest head of each kind at each checkpoint. Induction needs a previous-token head below it, so "
            "its line rises later, and often steeply."
        ),
        label="share of attention",
    )


def strongest(scores: HeadScores) -> dict[str, dict[str, float | int]]:
    """Layer, head and score of the strongest head of each kind, and the score of chance."""
    found: dict[str, dict[str, float | int]] = {}
    for kind in _KINDS:
        values = getattr(scores, kind)
        layer, head = divmod(int(values.argmax()), values.shape[1])
        found[kind] = {
            "layer": layer,
            "head": head,
            "score": float(values[layer, head]),
            "chance": scores.chance[kind],
        }
    return found
