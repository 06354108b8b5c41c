"""`gpt25 plot predictions`: the logit lens."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import tyro

from gpt25.cli.output import Output
from gpt25.cli.pictures.model_labels import model_labels
from gpt25.errors import ConfigurationError
from gpt25.plots import PredictionsOfText, draw_predictions, positions_that_fit, require_picture_file

if TYPE_CHECKING:
    from gpt25.inspection import LayerPredictions
    from gpt25.tokenizer import Tokenizer

Cell = TypeVar("Cell")
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
    from gpt25.inspection import layer_predictions, prompt_tokens, token_labels
    from gpt25.weights import load_pretrained

    model, tokenizer = load_pretrained(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    token_ids = prompt_tokens(model, tokenizer, arguments.prompt)
    assert tokenizer is not None  # prompt_tokens has refused a model without one
    choices = min(arguments.choices, model.configuration.vocabulary_size)
    found = layer_predictions(model, token_ids, choices=choices)
    label_of = _labels_of(tokenizer, found)
    candidates = _every_cell(found, lambda token_id, probability: (label_of[token_id], probability))
    (name,) = model_labels([arguments.model])
    labels = token_labels(tokenizer, token_ids)
    predictions = PredictionsOfText(name, labels, candidates)
    draw_predictions(predictions, arguments.output)
    fitting = positions_that_fit(len(candidates))
    if file_format != "html" and len(labels) > fitting:
        output.note(f"the picture has room for the last {fitting:,} of {len(labels):,} tokens; a .html shows all.")
    content = {
        "output": arguments.output,
        "model": arguments.model,
        "prompt": arguments.prompt,
        "token_ids": token_ids,
        "tokens": labels,
        "layers": predictions.layers,
        "predictions": _every_cell(
            found,
            lambda token_id, probability: {
                "token_id": token_id,
                "token": label_of[token_id],
                "probability": probability,
            },
        ),
    }
    output.result(content, f"The predictions are drawn in {arguments.output}.", kept=arguments.output)


def _labels_of(tokenizer: "Tokenizer", found: "LayerPredictions") -> dict[int, str]:
    """A label for every token that occurs among the predictions."""
    from gpt25.inspection import token_labels

    token_ids = sorted(set(found.token_ids.flatten().tolist()))
    return dict(zip(token_ids, token_labels(tokenizer, token_ids), strict=True))


def _every_cell(found: "LayerPredictions", make: Callable[[int, float], Cell]) -> list[list[list[Cell]]]:
    """What `make` makes of each token id and its probability: by layer, by position, likeliest first."""
    layers = zip(found.token_ids.tolist(), found.probabilities.tolist(), strict=True)
    return [
        [list(map(make, ids, probabilities)) for ids, probabilities in zip(*of_layer, strict=True)]
        for of_layer in layers
    ]
