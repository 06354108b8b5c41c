"""Attention of rows that belong to texts of different lengths: each reads its own slot, as far as it goes."""

import numpy as np
from numba import types
from numba.extending import overload

from gpt25.kernels.arithmetic import exponentials_below
from gpt25.kernels.compiled import compiled
from gpt25.kernels.intrinsics import (
    at_least,
    at_most,
    bits_of_float16,
    largest,
    weighted_sum,
    weighted_sum_of_float16,
)
from gpt25.kernels.normalisation import dot
from gpt25.kernels.tiles import float16_tile_1x1, float16_tile_4x1, float32_tile_1x1, float32_tile_4x1

_LARGEST_FLOAT16 = np.float32(65504)


def _attend(keys, values, length, query, head_size, scores, gathered):
    raise NotImplementedError("known to Numba only")


@overload(_attend)
def _overloaded_attend(keys, values, length, query, head_size, scores, gathered):
    """scores: the query's products with the first `length` keys, then their exponentials; gathered: the values' sum.

    keys, values: (capacity, head size) float32, or the bits of float16.
    """
    is_float16 = keys.dtype == types.uint16
    tile_4x1, tile_1x1 = (float16_tile_4x1, float16_tile_1x1) if is_float16 else (float32_tile_4x1, float32_tile_1x1)
    sum_of_values = weighted_sum_of_float16 if is_float16 else weighted_sum
    element_bytes = 2 if is_float16 else 4

    def attend(keys, values, length, query, head_size, scores, gathered):
        stride, place, first = head_size * element_bytes, scores.ctypes.data, keys.ctypes.data
        for position in range(0, length - 3, 4):
            tile_4x1(first + position * stride, stride, query.ctypes.data, head_size, place + position * 4)
        for position in range(length // 4 * 4, length):
            tile_1x1(first + position * stride, stride, query.ctypes.data, head_size, place + position * 4)
        exponentials_below(scores, length, largest(place, length))
        sum_of_values(place, values.ctypes.data, stride, length, head_size, gathered.ctypes.data)

    return attend


def _keep(source, first, target):
    raise NotImplementedError("known to Numba only")


@overload(_keep)
def _overloaded_keep(source, first, target):
    """Copy source[first:] to a row of keys or values (head size), which is float32 or the bits of float16."""

    def to_float16(source, first, target):
        for index in range(target.size):
            value = at_least(at_most(source[first + index], _LARGEST_FLOAT16), -_LARGEST_FLOAT16)
            target[index] = bits_of_float16(value)

    def to_float32(source, first, target):
        for index in range(target.size):
            target[index] = source[first + index]

    return to_float16 if target.dtype == types.uint16 else to_float32


@compiled
def attention(layer, heads, rows, room, worker, workers, sums):
    """A worker's heads: store the rows' keys and values, then let every row attend to all up to itself."""
    count, channels = rows.tokens.size, room.stream.shape[1]
    head_size = channels // heads
    factor = np.float32(1) / np.sqrt(np.float32(head_size))
    query, scores, gathered = room.query[worker], room.scores[worker], room.gathered[worker]
    for head in range(heads * worker // workers, heads * (worker + 1) // workers):
        first = head * head_size
        for row in range(count):
            slot, position = rows.slots[row], rows.positions[row]
            _keep(room.fused[row], channels + first, rows.keys[layer, slot, head, position])
            _keep(room.fused[row], 2 * channels + first, rows.values[layer, slot, head, position])
        for row in range(count):
            slot, length = rows.slots[row], rows.positions[row] + 1
            for index in range(head_size):
                query[index] = room.fused[row, first + index] * factor
            keys, values = rows.keys[layer, slot, head], rows.values[layer, slot, head]
            _attend(keys, values, length, query, head_size, scores, gathered)
            total = dot(scores.ctypes.data, room.ones.ctypes.data, length, sums)
            for index in range(head_size):
                room.mixed[row, first + index] = gathered[index] / total
