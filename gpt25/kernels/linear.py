"""Matrix products of a few rows with weights that are read once, in float32 or in int8.

One name serves both: what `multiply` and `prepare_row` do follows from the type of the activations that they are given,
float32 or int16.
"""

import numpy as np
from numba import types
from numba.extending import overload

from gpt25.kernels.intrinsics import largest_magnitude
from gpt25.kernels.tiles import (
    float32_linear_1x1,
    float32_linear_4x1,
    float32_linear_4x4,
    int8_linear_1x1,
    int8_linear_4x1,
    int8_linear_4x4,
)

STORE, ADD = 0, 1
"""What becomes of a product: it replaces what stands there, or is added to it."""


def multiply(weights, inputs, rows, count, first, last, scales, input_scales, bias, target, way):  # noqa: D103
    raise NotImplementedError("known to Numba only")


@overload(multiply)
def _multiply(weights, inputs, rows, count, first, last, scales, input_scales, bias, target, way):
    """target[row, output] = bias[output] + sum of weights[output] * inputs[row], for outputs from `first` to `last`.

    weights: the address of (outputs, count). inputs: (most rows, padded count); the first `rows` are read.
    scales: (outputs), input_scales: (rows) float32, for int8 only. target: (most rows, outputs) float32.
    """
    is_int8 = inputs.dtype == types.int16
    tile_4x4 = int8_linear_4x4 if is_int8 else float32_linear_4x4
    tile_4x1 = int8_linear_4x1 if is_int8 else float32_linear_4x1
    tile_1x1 = int8_linear_1x1 if is_int8 else float32_linear_1x1
    weight_bytes, input_bytes = (1, 2) if is_int8 else (4, 4)

    def of_rows(weights, inputs, rows, count, first, last, scales, input_scales, bias, target, way):
        stride, weight_stride, width = inputs.shape[1] * input_bytes, count * weight_bytes, target.shape[1] * 4
        place, to = inputs.ctypes.data, target.ctypes.data
        scale, own, add = scales.ctypes.data, input_scales.ctypes.data, bias.ctypes.data
        whole, many = first + (last - first) // 4 * 4, rows // 4 * 4
        for output in range(first, whole, 4):
            here, of = weights + output * weight_stride, output * 4
            for row in range(0, many, 4):
                at, goal = place + row * stride, to + row * width + of
                tile_4x4(here, weight_stride, at, stride, count, scale + of, own + row * 4, add + of, goal, width, way)
            for row in range(many, rows):
                at, goal = place + row * stride, to + row * width + of
                tile_4x1(here, weight_stride, at, stride, count, scale + of, own + row * 4, add + of, goal, width, way)
        for output in range(whole, last):
            here, of = weights + output * weight_stride, output * 4
            for row in range(rows):
                at, goal = place + row * stride, to + row * width + of
                tile_1x1(here, weight_stride, at, stride, count, scale + of, own + row * 4, add + of, goal, width, way)

    return of_rows


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
