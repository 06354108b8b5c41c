"""What each layer of a model would say next: the logit lens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpt25.figures.opened import AnyModel, OpenedModel, opened
from gpt25.inspection import LayerPredictions, layer_predictions
from gpt25.plots import PredictionsOfText, predictions_figure
from gpt25.tokenizer import Tokenizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def predictions(
    model: AnyModel,
    prompt: str | Sequence[int] = "",
    *,
    tokenizer: Tokenizer | None = None,
    name: str | None = None,
    axes: "Axes | None" = None,
) -> "Figure":
    """Draw what each layer would say next at each position of a prompt, with probabilities; the last layer on top.

    prompt: text, or token ids; empty text is `<|endoftext|>`. axes: one Axes to draw on, all tokens in one strip.
    Returns the figure. Raises InspectionError for a prompt that the model cannot read.
    """
    given = opened(model, tokenizer=tokenizer, name=name)
    token_ids, _ = given.read(prompt if isinstance(prompt, str) else list(prompt))
    found = layer_predictions(given.model, token_ids, choices=1)
    return predictions_figure(predictions_of(given, token_ids, found), axes=axes)


def predictions_of(given: OpenedModel, token_ids: Sequence[int], found: LayerPredictions) -> PredictionsOfText:
    """What is drawn of them: every candidate by its label."""
    distinct = sorted(set(found.token_ids.flatten().tolist()))
    label_of = dict(zip(distinct, given.labels(distinct), strict=True))
    candidates = [
        [
            [(label_of[token_id], probability) for token_id, probability in zip(*cell, strict=True)]
            for cell in zip(*of_layer, strict=True)
        ]
        for of_layer in zip(found.token_ids.tolist(), found.probabilities.tolist(), strict=True)
    ]
    return PredictionsOfText(given.name, given.labels(list(token_ids)), candidates)
