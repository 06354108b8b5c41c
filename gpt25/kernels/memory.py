"""What a step reads, what it writes, and its memory between the stages: arrays only, as Numba takes them."""

from typing import NamedTuple

import numpy as np


class Weights(NamedTuple):
    """A model as the step reads it; matrices by address, int8 or float32."""

    matrices: np.ndarray  # (layers, 4) int64: query_key_value, projection, expansion, projection
    head: np.ndarray  # (1) int64
    embeddings: np.ndarray  # (vocabulary, channels) float32 or int8: the head's own matrix
    embedding_scales: np.ndarray  # (vocabulary) float32; for float32 weights empty, like all scales
    positions: np.ndarray  # (block size, channels) float32
    norm_weights: np.ndarray  # (2 * layers + 1, channels) float32, the final one last
    norm_biases: np.ndarray  # (2 * layers + 1, channels) float32
    scales: np.ndarray  # (layers, sum of outputs) float32, the matrices' one after the other
    biases: np.ndarray  # (layers, sum of outputs) float32
    no_bias: np.ndarray  # (vocabulary) float32 zeros, the head's
    limits: np.ndarray  # (layers, 4) float32: how large an int16 activation may be
    head_limit: np.ndarray  # (1) float32
    epsilon: np.ndarray  # (1) float32


class Rows(NamedTuple):
    """What a step is to read, and what it writes to."""

    tokens: np.ndarray  # (rows) int64
    slots: np.ndarray  # (rows) int64: whose keys and values a row reads and extends
    positions: np.ndarray  # (rows) int64: how many of its slot stand before it
    wanted: np.ndarray  # (wanted rows) int64: the rows whose logits are asked for
    keys: np.ndarray  # (layers, slots, heads, capacity, head size) float32, or uint16: the bits of float16
    values: np.ndarray  # the same
    logits: np.ndarray  # (most wanted rows, vocabulary) float32


class Room(NamedTuple):
    """Memory between the stages, as wide as the most rows of a step."""

    stream: np.ndarray  # (most rows, channels) float32
    inputs: np.ndarray  # (most rows, padded channels) float32 or int16
    hidden_inputs: np.ndarray  # (most rows, padded hidden) float32 or int16
    input_scales: np.ndarray  # (most rows) float32
    fused: np.ndarray  # (most rows, 3 * channels) float32
    mixed: np.ndarray  # (most rows, channels) float32
    hidden: np.ndarray  # (most rows, hidden) float32
    normalised: np.ndarray  # (workers, padded channels) float32
    ones: np.ndarray  # (padded longest) float32 ones
    scores: np.ndarray  # (workers, capacity and padding) float32
    query: np.ndarray  # (workers, padded head size) float32
    gathered: np.ndarray  # (workers, padded head size) float32
    totals: np.ndarray  # (workers, a tile) float32
    counter: np.ndarray  # (8) int64, the first counts arrivals
