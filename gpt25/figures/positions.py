"""What a model has learned about where a token stands."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.errors import PlotError
from gpt25.figures.model_labels import labels_of_models
from gpt25.figures.opened import AnyModel, opened
from gpt25.figures.roughness_in_words import roughness_in_words
from gpt25.inspection import (
    overall_roughness,
    position_similarity,
    position_spectrum,
    positional_embeddings,
    roughness,
)
from gpt25.model import GPTModel
from gpt25.plots import PositionsOfModel, position_image_figure, positions_figure
from gpt25.weights import load_pretrained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_USUAL_COLUMNS = (150, 200, 250)


def positions(
    *models: AnyModel,
    columns: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "Figure":
    """Draw positional embeddings: matrix, columns, similarity, spectrum, how rough they are; models side by side.

    columns: the channels to draw as curves; without them 150, 200 and 250, or three spread over a smaller model.
    names: what the picture calls the models. axes: of one model, one Axes for the curves alone, or four for all.
    Returns the figure. Raises PlotError for a column that a model lacks, and what load_pretrained raises.
    """
    if not models:
        raise PlotError("there is no model to draw; give at least one.")
    if axes is not None and len(models) != 1:
        raise PlotError(f"{len(models)} models were given; axes are drawn on for one.")
    called = labels_of_models(models) if names is None else names
    looked_at = [positions_of(opened(model).model, name) for model, name in zip(models, called, strict=True)]
    chosen = usual_columns(looked_at) if columns is None else columns
    verdict = roughness_in_words({model.name: model.overall_roughness for model in looked_at})
    return positions_figure(looked_at, columns=chosen, verdict=verdict, axes=axes)


def position_image(model: AnyModel, *, name: str | None = None, axes: "Axes | None" = None) -> "Figure":
    """Draw the matrix of positional embeddings alone, grey from low to high: a row to a position.

    axes: one Axes to draw on. Returns the figure.
    """
    given = opened(model, name=name)
    return position_image_figure(positions_of(given.model, given.name), axes=axes)


def positions_of(model: GPTModel, name: str) -> PositionsOfModel:
    """What is drawn of a model's positional embeddings; `name` is what pictures call it."""
    embeddings = positional_embeddings(model)
    return PositionsOfModel(
        name=name,
        embeddings=embeddings,
        similarity=position_similarity(embeddings),
        spectrum=position_spectrum(embeddings),
        roughness=roughness(embeddings),
        overall_roughness=overall_roughness(embeddings),
    )


def positions_of_model(word: str | Path, name: str) -> PositionsOfModel:
    """The same of the model that a MODEL word means; raises what load_pretrained raises."""
    model, _ = load_pretrained(word)
    return positions_of(model, name)


def usual_columns(models: Sequence[PositionsOfModel]) -> tuple[int, ...]:
    """The usual columns where all the models have them, else up to three spread over the smallest."""
    channels = min(model.embeddings.shape[1] for model in models)
    if channels > max(_USUAL_COLUMNS):
        return _USUAL_COLUMNS
    return tuple(sorted({channels * quarter // 4 for quarter in (1, 2, 3)}))
