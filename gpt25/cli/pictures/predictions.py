"""`gpt25 plot predictions`: the logit lens."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from gpt25.cli.output import Output
from gpt25.errors import ConfigurationError
from gpt25.plots import PredictionsOfText, draw_predictions, positions_that_fit, require_picture_file
from gpt25.weights import require_model

if TYPE_CHECKING:
    from gpt25.inspection import LayerPredictions

_MOST_CHOICES = 20


@dataclass(frozen=True)
class Predictions:
    """Draw what each layer would say next at each position of a prompt, with probabilities (the logit lens)."""

    model: tyro.conf.Positional[str]
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run."""
    output: Path
    """The file to write: .png, .svg, or .html to see more candidates."""
    prompt: str = ""
    """The text that the model reads; empty is <|endoftext|> alone."""
    choices: int = 5
    """How many of the likeliest tokens a page (.html) and --json list at each place, 1 to 20."""
    checkpoint: str = "newest"
    """Which checkpoint of a run: newest, best or the number of an update."""
    revision: str | None = None
    """Which branch, tag or commit of a Hub repository."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Predictions, output: Output) -> None:
    """Check the arguments, read the prompt with the model, draw."""
    file_format = require_picture_file(arguments.output)
    if not 1 <= arguments.choices <= _MOST_CHOICES:
        raise ConfigurationError(f"choices is {arguments.choices}; it must be from 1 to {_MOST_CHOICES}.")
    require_model(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    from gpt25.figures.model_labels import model_labels
    from gpt25.figures.opened import opened
    from gpt25.figures.predictions import predictions_of
    from gpt25.inspection import layer_predictions, prompt_tokens
    from gpt25.weights import load_pretrained

    model, tokenizer = load_pretrained(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    token_ids = prompt_tokens(model, tokenizer, arguments.prompt)
    found = layer_predictions(model, token_ids, choices=min(arguments.choices, model.configuration.vocabulary_size))
    (name,) = model_labels([arguments.model])
    predictions = predictions_of(opened(model, tokenizer=tokenizer, name=name), token_ids, found)
    draw_predictions(predictions, arguments.output)
    fitting = positions_that_fit(len(predictions.candidates))
    if file_format != "html" and len(token_ids) > fitting:
        output.note(f"the picture has room for the last {fitting:,} of {len(token_ids):,} tokens; a .html shows all.")
    content = {
        "output": arguments.output,
        "model": arguments.model,
        "prompt": arguments.prompt,
        "token_ids": token_ids,
        "tokens": list(predictions.tokens),
        "layers": predictions.layers,
        "predictions": _as_json(found, predictions),
    }
    output.result(content, f"The predictions are drawn in {arguments.output}.", kept=arguments.output)


def _as_json(found: "LayerPredictions", predictions: PredictionsOfText) -> list[list[list[dict[str, Any]]]]:
    """Every candidate by layer and by position, likeliest first."""
    return [
        [
            [
                {"token_id": token_id, "token": label, "probability": probability}
                for token_id, (label, probability) in zip(ids, cell, strict=True)
            ]
            for ids, cell in zip(of_layer, cells, strict=True)
        ]
        for of_layer, cells in zip(found.token_ids.tolist(), predictions.candidates, strict=True)
    ]
