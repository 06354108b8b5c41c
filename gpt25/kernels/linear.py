"""Matrix products of a few rows with weights that are read once, in float32 or in int8.

One name serves both: what `multiply` and `prepare_row` do follows from the type of the activations that they are given,
float32 or int16.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

from gpt25.kernels.intrinsics import (
    float32_tile_1x1,
    float32_tile_4x1,
    float32_tile_4x4,
    int8_tile_1x1,
    int8_tile_4x1,
    int8_tile_4x4,
    largest_magnitude,
)

STORE, ADD = 0, 1
"""What becomes of a product: it replaces what stands there, or is added to it."""


def multiply(weights, inputs, rows, count, first, last, scales, input_scales, bias, target, way, sums):  # noqa: D103
    raise NotImplementedError("known to Numba only")


@overload(multiply)
def _multiply(weights, inputs, rows, count, first, last, scales, input_scales, bias, target, way, sums):
    """target[row, output] = bias[output] + sum of weights[output] * inputs[row], for outputs from `first` to `last`.

    weights: the address of (outputs, count). inputs: (most rows, padded count); the first `rows` are read.
    scales: (outputs), input_scales: (rows) float32, for int8 only. sums: room for a tile, int32 or float32.
    """
    if inputs.dtype == types.int16:
        return _multiply_int8
    return _multiply_float32


def _multiply_int8(weights, inputs, rows, count, first, last, scales, input_scales, bias, target, way, sums):
    stride, place, room = inputs.shape[1] * 2, inputs.ctypes.data, sums.ctypes.data
    whole = first + (last - first) // 4 * 4
    for output in range(first, whole, 4):
        here = weights + output * count
        for row in range(0, rows - 3, 4):
            int8_tile_4x4(here, count, place + row * stride, stride, count, room)
            for column in range(4):
                for index in range(4):
                    product = np.float32(sums[column * 4 + index]) * (
                        scales[output + index] * input_scales[row + column]
                    )
                    _put(target, row + column, output + index, product + bias[output + index], way)
        for row in range(rows // 4 * 4, rows):
            int8_tile_4x1(here, count, place + row * stride, stride, count, room)
            for index in range(4):
                product = np.float32(sums[index]) * (scales[output + index] * input_scales[row])
                _put(target, row, output + index, product + bias[output + index], way)
    for output in range(whole, last):
        for row in range(rows):
            int8_tile_1x1(weights + output * count, count, place + row * stride, stride, count, room)
            product = np.float32(sums[0]) * (scales[output] * input_scales[row])
            _put(target, row, output, product + bias[output], way)


def _multiply_float32(weights, inputs, rows, count, first, last, scales, input_scales, bias, target, way, sums):
    stride, place, room = inputs.shape[1] * 4, inputs.ctypes.data, sums.ctypes.data
    whole = first + (last - first) // 4 * 4
    for output in range(first, whole, 4):
        here = weights + output * count * 4
        for row in range(0, rows - 3, 4):
            float32_tile_4x4(here, count * 4, place + row * stride, stride, count, room)
            for column in range(4):
                for index in range(4):
                    _put(target, row + column, output + index, sums[column * 4 + index] + bias[output + index], way)
        for row in range(rows // 4 * 4, rows):
            float32_tile_4x1(here, count * 4, place + row * stride, stride, count, room)
            for index in range(4):
                _put(target, row, output + index, sums[index] + bias[output + index], way)
    for output in range(whole, last):
        for row in range(rows):
            float32_tile_1x1(weights + output * count * 4, count * 4, place + row * stride, stride, count, room)
            _put(target, row, output, sums[0] + bias[output], way)


@njit(inline="always")
def _put(target, row, output, value, way):
    if way == ADD:
        target[row, output] += value
    else:
        target[row, output] = value


def prepare_row(values, count, limit, inputs, input_scales, row):  # noqa: D103
    raise NotImplementedError("known to Numba only")


@overload(prepare_row)
def _prepare_row(values, count, limit, inputs, input_scales, row):
    """Write the first `count` values (float32) into a row of what `multiply` reads, with zeros behind them.

    For int8 weights they become whole numbers up to `limit`, the row's own scale beside them: as finely as 32-bit sums
    allow, so that the weights' rounding is the only one that counts.
    """
    if inputs.dtype == types.int16:
        return _quantised_row
    return _copied_row


def _quantised_row(values, count, limit, inputs, input_scales, row):
    magnitude = largest_magnitude(values.ctypes.data, count)
    scale = magnitude / limit
    input_scales[row] = scale
    if not np.isfinite(scale) or scale < np.float32(1e-35):  # not finite: the scale makes all products so
        inputs[row, :] = 0
        return
    factor = limit / magnitude
    for index in range(count):
        inputs[row, index] = np.int16(np.rint(values[index] * factor))
    inputs[row, count:] = 0


def _copied_row(values, count, limit, inputs, input_scales, row):
    for index in range(count):
        inputs[row, index] = values[index]
    inputs[row, count:] = np.float32(0)
