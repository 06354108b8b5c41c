"""Attention of rows that belong to texts of different lengths: each reads its own slot, as far as it goes."""

import numpy as np
from numba import njit

from gpt25.kernels.arithmetic import exponentials_below
from gpt25.kernels.intrinsics import float32_tile_1x1, float32_tile_4x1, largest, weighted_sum
from gpt25.kernels.normalisation import dot


@njit(nogil=True)
def _attend(layer, head, row, rows, room, worker, head_size, sums):
    """Mix the values of one head for one row, up to and with its own position."""
    slot, length = rows.slots[row], rows.positions[row] + 1
    query, scores, gathered = room.query[worker], room.scores[worker], room.gathered[worker]
    factor = np.float32(1) / np.sqrt(np.float32(head_size))
    for index in range(head_size):
        query[index] = room.fused[row, head * head_size + index] * factor
    keys, values = rows.keys[layer, slot, head].ctypes.data, rows.values[layer, slot, head].ctypes.data
    stride, place = head_size * 4, scores.ctypes.data
    for position in range(0, length - 3, 4):
        float32_tile_4x1(keys + position * stride, stride, query.ctypes.data, 0, head_size, place + position * 4)
    for position in range(length // 4 * 4, length):
        float32_tile_1x1(keys + position * stride, stride, query.ctypes.data, 0, head_size, place + position * 4)
    exponentials_below(scores, length, largest(place, length))
    total = dot(place, room.ones.ctypes.data, length, sums)
    weighted_sum(place, values, stride, length, head_size, gathered.ctypes.data)
    for index in range(head_size):
        room.mixed[row, head * head_size + index] = gathered[index] / total


@njit(nogil=True)
def attention(layer, heads, rows, room, worker, workers, sums):
    """A worker's heads: store the rows' keys and values, then let every row attend."""
    count, channels = rows.tokens.size, room.stream.shape[1]
    head_size = channels // heads
    for head in range(heads * worker // workers, heads * (worker + 1) // workers):
        for row in range(count):
            slot, position = rows.slots[row], rows.positions[row]
            for index in range(head_size):
                rows.keys[layer, slot, head, position, index] = room.fused[row, channels + head * head_size + index]
                rows.values[layer, slot, head, position, index] = room.fused[
                    row, 2 * channels + head * head_size + index
                ]
        for row in range(count):
            _attend(layer, head, row, rows, room, worker, head_size, sums)
