"""The weights of a GPT-2 as the kernels read them."""

from typing import NamedTuple

import numpy as np

from gpt25.kernels.memory import Weights
from gpt25.kernels.turned import turned
from gpt25.model import Int8Matrix, ModelArrays

_LINEARS = (
    "attention.query_key_value",
    "attention.projection",
    "multi_layer_perceptron.expansion",
    "multi_layer_perceptron.projection",
)
_NORMS = ("layer_norm_1", "layer_norm_2")
_LARGEST_INT16 = 32767
_LARGEST_INT32 = (1 << 31) - 1
_ROWS_AT_ONCE = 4096  # of an int8 matrix in int64 at 768 channels: 25 MB
_NO_SCALES = np.zeros(0, np.float32)


class _Matrix(NamedTuple):
    """One linear layer."""

    weight: np.ndarray  # (outputs, inputs) int8 or float32
    scales: np.ndarray  # (outputs) float32, or empty
    bias: np.ndarray  # (outputs) float32
    limit: float


def kernel_weights(model: ModelArrays) -> tuple[Weights, list[np.ndarray]]:
    """Tables that point into the model's own matrices, and those matrices, which must live as long as the tables.

    Biases and layer norms are copied, and so are matrices whose rows do not stand one behind the other in memory; a
    model that goes on training needs new tables.
    """
    blocks = [f"transformer.hidden.{layer}." for layer in range(model.configuration.number_of_layers)]
    layers = [[_matrix(model, block + linear) for linear in _LINEARS] for block in blocks]
    norms = [block + norm for block in blocks for norm in _NORMS] + ["transformer.final_layer_norm"]
    head = _matrix(model, "transformer.word_token_embeddings")
    weights = Weights(
        matrices=np.array([[each.weight.ctypes.data for each in layer] for layer in layers], np.int64),
        head=np.array([head.weight.ctypes.data], np.int64),
        embeddings=head.weight,
        embedding_scales=head.scales,
        positions=np.ascontiguousarray(model.arrays["transformer.word_positional_embeddings.weight"]),
        norm_weights=np.stack([model.arrays[f"{norm}.weight"] for norm in norms]),
        norm_biases=np.stack([model.arrays[f"{norm}.bias"] for norm in norms]),
        scales=np.stack([np.concatenate([each.scales for each in layer]) for layer in layers]),
        biases=np.stack([np.concatenate([each.bias for each in layer]) for layer in layers]),
        no_bias=head.bias,
        limits=np.array([[each.limit for each in layer] for layer in layers], np.float32),
        head_limit=np.array([head.limit], np.float32),
        epsilon=np.array([model.configuration.layer_norm_epsilon], np.float32),
    )
    return weights, [head.weight, *(each.weight for layer in layers for each in layer)]


def _matrix(model: ModelArrays, name: str) -> _Matrix:
    """A linear layer, or the token embeddings as the head reads them, without a bias."""
    weight = model.arrays[f"{name}.weight"]
    bias = model.arrays.get(f"{name}.bias")
    if isinstance(weight, Int8Matrix):
        quantised, scales = np.ascontiguousarray(weight.quantised), weight.scales
        limit = _limit(quantised)
    else:
        quantised, scales, limit = turned(weight), _NO_SCALES, 1.0
    if bias is None:
        bias = np.zeros(len(quantised), np.float32)
    return _Matrix(quantised, scales, np.asarray(bias), limit)


def _limit(quantised: np.ndarray) -> float:
    """The largest int16 activation with which no sum of products leaves 32 bits: by the heaviest row (inputs)."""
    heaviest = 1
    for first in range(0, len(quantised), _ROWS_AT_ONCE):
        rows = np.abs(quantised[first : first + _ROWS_AT_ONCE])  # at most 127, so that int8 holds the magnitudes
        heaviest = max(heaviest, int(rows.sum(1, dtype=np.int64).max()))
    return float(min(_LARGEST_INT16, _LARGEST_INT32 // heaviest))
