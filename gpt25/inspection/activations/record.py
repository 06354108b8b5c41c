"""Activations by name."""

from collections.abc import Iterable

from torch import Tensor

from gpt25.inspection.activations.activation_names import chosen_names
from gpt25.inspection.activations.stations import visited
from gpt25.inspection.reading import Tokens, batch_of
from gpt25.model import GPTModel, evaluating


def record(model: GPTModel, tokens: Tokens, names: str | Iterable[str]) -> dict[str, Tensor]:
    """What a model computes on its way through a text, by name, in the order of `activation_names`.

        record(model, [464, 2068], ["*.attention.pattern", "transformer.hidden.3.residual_after"])

    tokens: the ids of one text, or of several that are equally long. names: names, or patterns such as
    "transformer.hidden.3.*"; "*" is everything. A module's name stands for its output, mostly (batch, time, channels).
    Besides, below `transformer.hidden.{i}`:

        residual_before, residual_middle, residual_after    (batch, time, channels)
        attention.query, attention.key, attention.value     (batch, heads, time, head size)
        attention.pattern    weights, in float32            (batch, heads, time, time): query, then key
        attention.mixed      what each head has gathered    (batch, heads, time, head size)
        attention.head_outputs    what each head adds to the stream, without the bias    (batch, heads, time, channels)
        multi_layer_perceptron.neurons    behind GELU       (batch, time, 4 * channels)

    `transformer.word_positional_embeddings` is (time, channels), `language_modeling_head` the logits, (batch, time,
    vocabulary). The model's own code computes them, so that they are bit for bit what it computes without anybody
    looking. Raises InspectionError for a pattern that matches nothing and for ids that the model cannot read.
    """
    chosen = chosen_names(model, names)
    found: dict[str, Tensor] = {}

    def keep(name: str, activation: Tensor) -> Tensor:
        found[name] = activation
        return activation

    with evaluating(model), visited(model, set(chosen), keep):
        model(batch_of(model, tokens))
    return {name: found[name] for name in chosen}
