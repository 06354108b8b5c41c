"""One step of a GPT-2: the logits of many rows, each a token of some text at some position, by several threads.

Rows are independent but for the keys and values that they read, so texts in the midst of writing and pieces of prompts
go side by side, and each gives the bits that it gives alone. The arithmetic is that of `gpt25.model`, block by block.
"""

import numpy as np
from numba import types
from numba.extending import overload

from gpt25.kernels.arithmetic import apply_gelu
from gpt25.kernels.attention import attention
from gpt25.kernels.barrier import wait_for_all
from gpt25.kernels.compiled import compiled, compiled_and_kept
from gpt25.kernels.linear import ADD, STORE, multiply, prepare_row
from gpt25.kernels.normalisation import normalise


def _embed(weights, rows, row, target):
    raise NotImplementedError("known to Numba only")


@overload(_embed)
def _overloaded_embed(weights, rows, row, target):
    """Token embedding and position of one row, added: target (channels) float32."""

    def from_int8(weights, rows, row, target):
        token, position = rows.tokens[row], rows.positions[row]
        scale = weights.embedding_scales[token]
        for index in range(target.size):
            embedding = np.float32(weights.embeddings[token, index]) * scale
            target[index] = embedding + weights.positions[position, index]

    def from_float32(weights, rows, row, target):
        token, position = rows.tokens[row], rows.positions[row]
        for index in range(target.size):
            target[index] = weights.embeddings[token, index] + weights.positions[position, index]

    return from_int8 if weights.types[weights.fields.index("embeddings")].dtype == types.int8 else from_float32


@compiled
def _share(count, worker, workers):
    """From where to where a worker's part of `count` things goes, in steps of 4 where there are as many."""
    quarter = (count + 3) // 4
    return min(count, quarter * worker // workers * 4), min(count, quarter * (worker + 1) // workers * 4)


@compiled
def _normalise_rows(layer_norm, rows, limit, weights, room, worker, workers, chosen):
    """Layer norm of a worker's share of the chosen rows, written as the next matrix reads it."""
    normalised = room.normalised[worker]
    channels = room.stream.shape[1]
    for place in range(worker, chosen.size, workers):
        normalise(
            room.stream[chosen[place]],
            weights.norm_weights[layer_norm],
            weights.norm_biases[layer_norm],
            weights.epsilon[0],
            room.ones,
            normalised,
            room.totals[worker],
        )
        prepare_row(normalised, channels, limit, room.inputs, room.input_scales, place)


@compiled
def _product(layer, matrix, inputs, count, rows, target, way, weights, room, worker, workers):
    """A worker's outputs of one of a layer's four matrices."""
    channels, hidden = room.stream.shape[1], room.hidden.shape[1]
    before = (0, 3 * channels, 4 * channels, 4 * channels + hidden)[matrix]
    outputs = (3 * channels, channels, hidden, channels)[matrix]
    first, last = _share(outputs, worker, workers)
    part = slice(before, before + outputs)
    multiply(
        weights.matrices[layer, matrix],
        inputs,
        rows,
        count,
        first,
        last,
        weights.scales[layer, part],
        room.input_scales,
        weights.biases[layer, part],
        target,
        way,
    )
    return first, last


@compiled
def _prepare(source, count, limit, inputs, rows, room, worker, workers):
    for row in range(worker, rows, workers):
        prepare_row(source[row], count, limit, inputs, room.input_scales, row)


@compiled_and_kept
def take_step(weights, rows, room, heads, everyone, worker, workers):
    """A worker's part of a step; all workers of `workers` run it at the same time, with the counter at zero.

    Reads rows.tokens at rows.positions in rows.slots, extends their keys and values, and writes the logits of
    rows.wanted, in their order. everyone: 0, 1, 2 ... to the number of rows.
    """
    count, channels, hidden = rows.tokens.size, room.stream.shape[1], room.hidden.shape[1]
    layers, met = weights.matrices.shape[0], 0
    for row in range(worker, count, workers):
        _embed(weights, rows, row, room.stream[row])
    for layer in range(layers):
        limits = weights.limits[layer]
        _normalise_rows(2 * layer, rows, limits[0], weights, room, worker, workers, everyone)
        met = wait_for_all(room.counter, met, workers)
        _product(layer, 0, room.inputs, channels, count, room.fused, STORE, weights, room, worker, workers)
        met = wait_for_all(room.counter, met, workers)
        attention(layer, heads, rows, room, worker, workers, room.totals[worker])
        met = wait_for_all(room.counter, met, workers)
        _prepare(room.mixed, channels, limits[1], room.inputs, count, room, worker, workers)
        met = wait_for_all(room.counter, met, workers)
        _product(layer, 1, room.inputs, channels, count, room.stream, ADD, weights, room, worker, workers)
        met = wait_for_all(room.counter, met, workers)
        _normalise_rows(2 * layer + 1, rows, limits[2], weights, room, worker, workers, everyone)
        met = wait_for_all(room.counter, met, workers)
        first, last = _product(
            layer, 2, room.inputs, channels, count, room.hidden, STORE, weights, room, worker, workers
        )
        for row in range(count):
            apply_gelu(room.hidden[row, first:last])
        met = wait_for_all(room.counter, met, workers)
        _prepare(room.hidden, hidden, limits[3], room.hidden_inputs, count, room, worker, workers)
        met = wait_for_all(room.counter, met, workers)
        _product(layer, 3, room.hidden_inputs, hidden, count, room.stream, ADD, weights, room, worker, workers)
        met = wait_for_all(room.counter, met, workers)
    _normalise_rows(2 * layers, rows, weights.head_limit[0], weights, room, worker, workers, rows.wanted)
    met = wait_for_all(room.counter, met, workers)
    first, last = _share(rows.logits.shape[1], worker, workers)
    multiply(
        weights.head[0],
        room.inputs,
        rows.wanted.size,
        channels,
        first,
        last,
        weights.embedding_scales,
        room.input_scales,
        weights.no_bias,
        rows.logits,
        STORE,
    )
