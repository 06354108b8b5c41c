"""Where the heads of a model look."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpt25.figures.opened import AnyModel, OpenedModel, opened
from gpt25.inspection import attention_weights
from gpt25.plots import AttentionOfText, attention_figure
from gpt25.tokenizer import Tokenizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def attention(
    model: AnyModel,
    prompt: str | Sequence[int] = "",
    *,
    layer: int | None = None,
    head: int | None = None,
    tokenizer: Tokenizer | None = None,
    name: str | None = None,
    axes: "Axes | None" = None,
) -> "Figure":
    """Draw which earlier tokens each token of a prompt draws from: one head with its tokens, or all heads in a grid.

    prompt: text, or token ids; empty text is `<|endoftext|>`. layer, head: counted from 0; None takes all of them.
    tokenizer, name: see `positions` and `gpt25.figures`. axes: one Axes to draw on, instead of a figure of its own.
    Returns the figure. Raises InspectionError for a layer, head or prompt that the model does not have or cannot read.
    """
    return attention_figure(attention_of(opened(model, tokenizer=tokenizer, name=name), prompt, layer, head), axes=axes)


def attention_of(
    given: OpenedModel, prompt: str | Sequence[int], layer: int | None = None, head: int | None = None
) -> AttentionOfText:
    """What is drawn of it: weights of one head, or of all that are not chosen among."""
    token_ids, labels = given.read(prompt if isinstance(prompt, str) else list(prompt))
    shape = given.model.configuration
    layers = range(shape.number_of_layers) if layer is None else [layer]
    heads = range(shape.number_of_heads) if head is None else [head]
    weights = attention_weights(given.model, token_ids, layers=layers, heads=heads)
    return AttentionOfText(given.name, labels, list(layers), list(heads), weights)
