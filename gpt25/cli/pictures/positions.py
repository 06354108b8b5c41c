"""`gpt25 plot positions`: what models have learned about where a token stands."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from gpt25.cli.output import Output
from gpt25.errors import PlotError
from gpt25.plots import PositionsOfModel, draw_positions, require_picture_file
from gpt25.weights import require_model


@dataclass(frozen=True)
class Positions:
    """Draw positional embeddings: matrix, columns, similarity, spectrum, and how rough they are; models side by side.

    Roughness is the share of the curves' variance that is noise from position to position: about 1 before training,
    near 0 where all has been learned.
    """

    models: tyro.conf.Positional[tuple[str, ...]]
    """Size names, Hub ids, Hugging Face directories or runs; RUN@500 or RUN@best chooses a checkpoint."""
    output: Path
    """The file to write: .png, .svg, or .html to point at."""
    columns: tuple[int, ...] = ()
    """The channels to draw as curves; 150 200 250 unless given, or three spread over a smaller model."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Positions, output: Output) -> None:
    """Load the models one after the other, draw them, and say which is trained further."""
    if not arguments.models:
        raise PlotError("there is no model to draw; name at least one.")
    require_picture_file(arguments.output)
    for model in arguments.models:
        require_model(model)
    from gpt25.figures.model_labels import model_labels
    from gpt25.figures.positions import positions_of_model, usual_columns
    from gpt25.figures.roughness_in_words import roughness_in_words, smoothest

    names = model_labels(arguments.models)
    models = [positions_of_model(word, name) for word, name in zip(arguments.models, names, strict=True)]
    columns = arguments.columns or usual_columns(models)
    roughness = {model.name: model.overall_roughness for model in models}
    verdict = roughness_in_words(roughness)
    draw_positions(models, arguments.output, columns=columns, verdict=verdict)
    if not output.json:
        output.say(verdict)
    content = {
        "output": arguments.output,
        "verdict": verdict,
        "smoothest": arguments.models[names.index(winner)] if (winner := smoothest(roughness)) else None,
        "models": [_as_json(word, model, columns) for word, model in zip(arguments.models, models, strict=True)],
    }
    output.result(content, f"The positions are drawn in {arguments.output}.", kept=arguments.output)


def _as_json(word: str, model: PositionsOfModel, columns: tuple[int, ...]) -> dict[str, Any]:
    import numpy as np

    positions, channels = model.embeddings.shape
    known = model.roughness[np.isfinite(model.roughness)]
    return {
        "model": word,
        "positions": positions,
        "channels": channels,
        "roughness": model.overall_roughness,
        "median_roughness_of_columns": float(np.median(known)) if len(known) else None,
        "columns": {column: float(model.roughness[column]) for column in columns},
    }
