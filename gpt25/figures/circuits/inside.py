"""One prompt through every operation of a model."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from torch import Tensor

from gpt25.counted import counted
from gpt25.errors import InspectionError
from gpt25.figures.opened import OpenedModel
from gpt25.figures.predictions import predictions_of
from gpt25.inspection import (
    LogitAttribution,
    attention_weights,
    layer_predictions,
    logit_attributions,
    record,
    residual_norms,
)
from gpt25.model import GPTConfiguration
from gpt25.plots import InsideOfText, Operation, PartsOfLogit, most_tokens_inside
from gpt25.plots.circuits.inside_page import SHOWN_CHANNELS

_CANDIDATES = 5
_RECORDED = (
    "transformer.word_token_embeddings",
    "transformer.word_positional_embeddings",
    "transformer.final_layer_norm",
    "*.residual_before",
    "*.residual_middle",
    "*.residual_after",
    "*.layer_norm_1",
    "*.layer_norm_2",
    "*.query_key_value",
    "*.mixed",
    "*.attention",
    "*.expansion",
    "*.neurons",
    "*.multi_layer_perceptron",
)


def inside_of(given: OpenedModel, prompt: str | Sequence[int]) -> InsideOfText:
    """Everything that a page shows of one prompt.

    Raises InspectionError for a prompt that the model cannot read or that is longer than a page has room for.
    """
    token_ids, labels = given.read(prompt if isinstance(prompt, str) else list(prompt))
    shape = given.model.configuration
    most = most_tokens_inside(layers=shape.number_of_layers, heads=shape.number_of_heads)
    if len(token_ids) > most:
        raise InspectionError(
            f"the prompt has {len(token_ids):,} tokens, and a page of this model has room for {most:,}; shorten it."
        )
    norms = residual_norms(given.model, token_ids)
    choices = min(_CANDIDATES, shape.vocabulary_size)
    predictions = layer_predictions(given.model, token_ids, choices=choices)
    return InsideOfText(
        name=given.name,
        facts=_facts(given),
        tokens=labels,
        token_ids=token_ids,
        operations=list(_operations(record(given.model, token_ids, _RECORDED), shape, len(token_ids))),
        attention=attention_weights(given.model, token_ids),
        candidates=predictions_of(given, token_ids, predictions).candidates,
        parts=[_parts(given, found) for found in logit_attributions(given.model, token_ids)],
        stream=norms.stream,
        added={"attention": norms.attention, "perceptron": norms.multi_layer_perceptron},
    )


def _facts(given: OpenedModel) -> dict[str, str]:
    shape = given.model.configuration
    parameters = sum(parameter.numel() for parameter in given.model.parameters())
    return {
        "parameters": f"{parameters:,}",
        "layers": f"{shape.number_of_layers}",
        "heads in each": f"{shape.number_of_heads} of {shape.head_size} numbers",
        "channels": f"{shape.number_of_embedding_dimensions:,}",
        "vocabulary": f"{shape.vocabulary_size:,}",
        "reads at once": f"{shape.block_size:,} tokens",
    }


def _parts(given: OpenedModel, found: LogitAttribution) -> PartsOfLogit:
    (token,) = given.labels([found.token_id])
    attention = found.heads.sum(1) + found.attention_biases
    return PartsOfLogit(
        token=token,
        logit=found.logit,
        heads=found.heads,
        halves=np.stack([attention, found.multi_layer_perceptrons], axis=1),
        ends={
            "token": found.token_embedding,
            "position": found.positional_embedding,
            "last bias": found.final_bias,
        },
    )


def _operations(found: Mapping[str, Tensor], shape: GPTConfiguration, time: int) -> Iterator[Operation]:
    """Every step in its order."""
    channels, vocabulary = shape.number_of_embedding_dimensions, shape.vocabulary_size
    yield Operation("Tokens", "The text as ids: what the tokenizer made of it.", (time,))
    yield _step(
        "Token embeddings",
        f"Each id picks its row of a matrix of {vocabulary:,} × {channels:,}.",
        found["transformer.word_token_embeddings"][0],
    )
    yield _step(
        "Positional embeddings",
        f"Each position picks its row of a matrix of {shape.block_size:,} × {channels:,}.",
        found["transformer.word_positional_embeddings"],
    )
    yield _step(
        "The residual stream begins",
        "Both added up; from here on every layer only adds to it.",
        found["transformer.hidden.0.residual_before"][0],
    )
    for layer in range(shape.number_of_layers):
        yield from _of_block(found, shape, time, layer)
    yield _step(
        "Final layer norm",
        "Each vector to mean 0 and variance 1, then a gain and a bias to each channel.",
        found["transformer.final_layer_norm"][0],
    )
    yield Operation(
        "Head",
        f"The product with every row of the token embeddings ({vocabulary:,} × {channels:,}, the same matrix again): a "
        "logit to each token of the vocabulary.",
        (time, vocabulary),
    )
    yield Operation("Softmax", "Logits to probabilities; one token is drawn from them.", (time, vocabulary))


def _of_block(found: Mapping[str, Tensor], shape: GPTConfiguration, time: int, layer: int) -> Iterator[Operation]:
    channels, hidden = shape.number_of_embedding_dimensions, shape.number_of_hidden_dimensions
    heads, size = shape.number_of_heads, shape.head_size

    def step(title: str, does: str, name: str) -> Operation:
        activation = found[f"transformer.hidden.{layer}.{name}"][0]
        if name == "attention.mixed":
            activation = activation.transpose(0, 1).flatten(1)  # (time, channels)
        return _step(title, does, activation, layer=layer)

    norm = "Each vector to mean 0 and variance 1, then a gain and a bias to each channel."
    yield step("Layer norm 1", norm, "layer_norm_1")
    yield step(
        "Queries, keys, values",
        f"A linear layer, {channels:,} → {3 * channels:,}, cut into three, each into {counted(heads, 'heads')} of "
        f"{size} numbers.",
        "attention.query_key_value",
    )
    yield Operation(
        "Attention weights",
        f"Each query times all keys up to its own, over √{size}, through softmax: who looks at whom, in each head.",
        (heads, time, time),
        layer=layer,
    )
    yield step(
        "Heads gather", "The weighted sum of the values in every head, then all heads joined.", "attention.mixed"
    )
    yield step("Projection", f"A linear layer, {channels:,} → {channels:,}: what attention adds.", "attention")
    yield step("Added to the stream", "The stream behind the attention.", "residual_middle")
    yield step("Layer norm 2", norm, "layer_norm_2")
    yield step("Perceptron: expand", f"A linear layer, {channels:,} → {hidden:,}.", "multi_layer_perceptron.expansion")
    yield step("GELU", "Negative numbers to almost 0: these are the neurons.", "multi_layer_perceptron.neurons")
    yield step(
        "Perceptron: project", f"A linear layer, {hidden:,} → {channels:,}: what it adds.", "multi_layer_perceptron"
    )
    yield step("Added to the stream", "What the next layer reads.", "residual_after")


def _step(title: str, does: str, activation: Tensor, *, layer: int | None = None) -> Operation:
    """A step whose result is a vector at each position: (time, channels)."""
    exact = activation.float()
    return Operation(
        title=title,
        does=does,
        shape=tuple(activation.shape),
        layer=layer,
        vectors=exact[:, :SHOWN_CHANNELS].cpu().numpy(),
        norms=exact.norm(dim=1).cpu().numpy(),
    )
