"""`gpt25 plot positions`: what models have learned about where a token stands."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from gpt25.cli.output import Output
from gpt25.cli.pictures.model_labels import model_labels
from gpt25.errors import PlotError
from gpt25.plots import PositionsOfModel, draw_positions, require_picture_file, two_digits

_USUAL_COLUMNS = (150, 200, 250)
_ALIKE = 1.1  # a roughness that is less than this many times another's does not decide anything


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
    names = model_labels(list(arguments.models))
    from gpt25.recipes import positions_of_model

    models = [positions_of_model(word, name) for word, name in zip(arguments.models, names, strict=True)]
    columns = arguments.columns or _columns_for(min(model.embeddings.shape[1] for model in models))
    verdict = in_words({model.name: model.overall_roughness for model in models})
    draw_positions(models, arguments.output, columns=columns, verdict=verdict)
    if not output.json:
        output.say(verdict)
    content = {
        "output": arguments.output,
        "verdict": verdict,
        "smoothest": arguments.models[names.index(winner)]
        if (winner := _smoothest({model.name: model.overall_roughness for model in models}))
        else None,
        "models": [_as_json(word, model, columns) for word, model in zip(arguments.models, models, strict=True)],
    }
    output.result(content, f"The positions are drawn in {arguments.output}.", kept=arguments.output)


def in_words(roughness: dict[str, float]) -> str:
    """What the roughness of one or more models says: in_words({"a": 0.04, "b": 0.5}) -> "a is trained further …"."""
    order = sorted((name for name in roughness if not math.isnan(roughness[name])), key=lambda name: roughness[name])
    figures = ", ".join(f"{name} {two_digits(roughness[name])}" for name in order)
    if len(roughness) == 1:
        ((name, value),) = roughness.items()
        return f"{name}: roughness {two_digits(value)}, {_stage(value)}."
    best = _smoothest(roughness)
    if best is None:
        return f"By their positions these models are trained about equally far: roughness {figures or 'none'}."
    others = "the other" if len(roughness) == 2 else "the others"
    return f"{best} is trained further than {others}, by its smoother positions: roughness {figures}."


def _stage(value: float) -> str:
    """One model's roughness in words; white noise is 1."""
    if math.isnan(value):
        return "for the positions are all the same: nothing has been learned of them"
    if value > 0.8:
        return "nearly all noise: the positions are as good as untrained"
    if value > 0.2:
        return "much noise on the curves: the positions are under-trained"
    return "some noise on the curves" if value > 0.02 else "smooth curves: the positions are well trained"


def _smoothest(roughness: dict[str, float]) -> str | None:
    """The name of the clearly smoothest of several models, None where there is none."""
    known = sorted((value, name) for name, value in roughness.items() if not math.isnan(value))
    if len(known) < 2 or known[1][0] < _ALIKE * known[0][0]:
        return None
    return known[0][1]


def _columns_for(channels: int) -> tuple[int, ...]:
    """The usual columns where a model has them, else up to three spread over it."""
    if channels > max(_USUAL_COLUMNS):
        return _USUAL_COLUMNS
    return tuple(sorted({channels * quarter // 4 for quarter in (1, 2, 3)}))


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
