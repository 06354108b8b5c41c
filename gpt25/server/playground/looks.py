"""What the page is told of the inside of a model: numbers of `inspection`, as JSON can hold them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt25.inspection import (
    attention_weights,
    excited_neurons,
    head_scores,
    layer_predictions,
    logit_attribution,
    overall_roughness,
    position_similarity,
    positional_embeddings,
    residual_norms,
    token_labels,
)
from gpt25.server.registry.served_model import ServedModel

_CHOICES = 5
_NEURONS = 12
_ROWS_OF_SCORES, _LENGTH_OF_SCORES = 2, 32
_MOST_POSITIONS = 128  # of a picture of similarities; of more, every second or fourth is taken
_SHOWN_CHANNELS = (138, 378, 447)  # of GPT-2 124M: a slope, a slow and a faster wave


def attention(served: ServedModel, ids: Sequence[int], *, layer: int, head: int) -> dict[str, Any]:
    """{"tokens", "layer", "head", "layers", "heads", "weights"}: row q of the weights has q + 1 numbers."""
    weights = attention_weights(served.model, ids, layers=[layer], heads=[head])[0, 0]  # (time, time)
    shape = served.model.configuration
    return {
        "tokens": token_labels(served.tokenizer, ids),
        "layer": layer,
        "head": head,
        "layers": shape.number_of_layers,
        "heads": shape.number_of_heads,
        "weights": [_rounded(row[: place + 1]) for place, row in enumerate(weights)],
    }


def lens(served: ServedModel, ids: Sequence[int]) -> dict[str, Any]:
    """{"tokens", "predictions"}: of every layer and position the likeliest tokens, each with its probability."""
    found = layer_predictions(served.model, ids, choices=min(_CHOICES, served.model.configuration.vocabulary_size))
    layers, time, choices = found.token_ids.shape
    names = token_labels(served.tokenizer, found.token_ids.reshape(-1).tolist())
    values = found.probabilities.reshape(-1).tolist()
    cells = [[name, round(value, 5)] for name, value in zip(names, values, strict=True)]
    rows = [cells[start : start + choices] for start in range(0, len(cells), choices)]
    predictions = [rows[layer * time : (layer + 1) * time] for layer in range(layers)]
    return {"tokens": token_labels(served.tokenizer, ids), "predictions": predictions}


def attribution(served: ServedModel, ids: Sequence[int], *, position: int) -> dict[str, Any]:
    """Which part of the model wrote the logit of the token that it holds likeliest behind a position."""
    found = logit_attribution(served.model, ids, position=position)
    return {
        "tokens": token_labels(served.tokenizer, ids),
        "position": found.position,
        "predicted": token_labels(served.tokenizer, [found.token_id])[0],
        "logit": round(found.logit, 4),
        "heads": [_rounded(row) for row in found.heads],
        "perceptrons": _rounded(found.multi_layer_perceptrons),
        "attention_biases": _rounded(found.attention_biases),
        "token_embedding": round(found.token_embedding, 4),
        "positional_embedding": round(found.positional_embedding, 4),
        "final_bias": round(found.final_bias, 4),
    }


def norms(served: ServedModel, ids: Sequence[int]) -> dict[str, Any]:
    """How long the residual stream's vectors are, and what each half of a layer adds."""
    found = residual_norms(served.model, ids)
    return {
        "tokens": token_labels(served.tokenizer, ids),
        "stream": [_rounded(row) for row in found.stream],
        "attention": [_rounded(row) for row in found.attention],
        "perceptron": [_rounded(row) for row in found.multi_layer_perceptron],
    }


def neurons(served: ServedModel, ids: Sequence[int], *, position: int) -> dict[str, Any]:
    """The neurons that are most excited at a position, and the tokens that each makes likelier."""
    found = excited_neurons(served.model, ids, position=position, count=_NEURONS)
    return {
        "tokens": token_labels(served.tokenizer, ids),
        "position": position % len(ids),
        "neurons": [
            {
                "layer": each.layer,
                "neuron": each.neuron,
                "activation": round(each.activation, 4),
                "promotes": token_labels(served.tokenizer, each.promotes),
            }
            for each in found
        ],
    }


def heads(served: ServedModel) -> dict[str, Any]:
    """What every head is, by its attention to random tokens that come twice."""
    length = min(_LENGTH_OF_SCORES, served.block_size // 2)
    found = head_scores(served.model, rows=_ROWS_OF_SCORES, length=length)
    return {
        "length": length,
        "previous_token": [_rounded(row) for row in found.previous_token],
        "duplicate_token": [_rounded(row) for row in found.duplicate_token],
        "induction": [_rounded(row) for row in found.induction],
        "chance": {name: round(value, 4) for name, value in found.chance.items()},
    }


def positions(served: ServedModel, *, channels: Sequence[int]) -> dict[str, Any]:
    """What the model has learned about places: which are alike, and some channels of their embeddings.

    channels: those that are not there are left out; without any, some that are.
    """
    embeddings = positional_embeddings(served.model)  # (positions, channels)
    count, width = embeddings.shape
    step = -(-count // _MOST_POSITIONS)
    chosen = [each for each in channels or _SHOWN_CHANNELS if 0 <= each < width] or list(range(min(3, width)))
    return {
        "positions": count,
        "channels": width,
        "step": step,
        "similarity": [_rounded(row) for row in position_similarity(embeddings[::step])],
        "columns": {str(channel): _rounded(embeddings[:, channel]) for channel in chosen},
        "roughness": round(float(overall_roughness(embeddings)), 4),
    }


def _rounded(values: NDArray[Any]) -> list[float]:
    """Four digits behind the point: more than a picture shows."""
    return [float(value) for value in np.round(np.asarray(values, dtype=np.float64), 4)]
