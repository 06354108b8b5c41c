"""Tiles of dot products: a few rows of weights with a few rows of activations, at the speed of the registers.

All take addresses, strides in bytes and counts. Rows of activations are padded with zeros to a multiple of PADDING
elements; rows of weights need no padding, but stand one behind the other.
"""

import functools
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from gpt25.kernels.vector_code import FLOAT, HALF, INT8, INT16, VectorCode

PADDING = 32
"""Rows of activations are multiples of this many elements, the widest step of any loop here."""

_FEWER_REGISTERS = 8
"""A processor whose vectors have at most this many lanes has 16 registers, which two columns fill."""
_CACHE_LINE = 64  # bytes


class _Tile:
    """ROWS rows of weights by COLUMNS rows of activations: int8 by int16, or float32 or float16 by float32."""

    def __init__(self, code: VectorCode, rows: int, columns: int, *, weights: Any) -> None:
        self.code, self.rows, self.columns, self.weights = code, rows, columns, weights
        self.is_int8 = weights == INT8
        self.weight_bytes = {INT8: 1, HALF: 2, FLOAT: 4}[weights]
        self.step = 2 * code.lanes if self.is_int8 else code.lanes

    def sums(self, weights: Any, weight_stride: Any, inputs: Any, input_stride: Any, count: Any) -> list[Any]:
        """For every column a vector (rows) of sums: the loop over whole vectors, and one masked step for the rest.

        Weights of the next tile are fetched meanwhile: they come from main memory, and are read only once a step.
        """
        code, builder = self.code, self.code.builder
        zero = ir.Constant(code.integers if self.is_int8 else code.floats, [0] * code.lanes)
        weight_rows = [code.at(weights, weight_stride, row) for row in range(self.rows)]
        input_rows = [code.at(inputs, input_stride, column) for column in range(self.columns)]
        next_tile = code.at(weights, weight_stride, self.rows)

        def whole_step(held: list[Any], start: Any) -> list[Any]:
            width = self.rows * self.weight_bytes  # an element of all rows
            for line in range(0, width * self.step, _CACHE_LINE):
                code.prefetch(builder.add(code.at(next_tile, start, width), code.constant(line)))
            return self._added(held, weight_rows, input_rows, start, None)

        whole = builder.and_(count, code.constant(-self.step))
        totals = code.loop(whole, self.step, [zero] * (self.rows * self.columns), whole_step)
        remaining = builder.sub(count, whole)
        mask = code.first_lanes(self.step, remaining)
        totals = code.if_any(remaining, totals, lambda held: self._added(held, weight_rows, input_rows, whole, mask))
        folded = code.sums(totals, builder.add if self.is_int8 else builder.fadd)
        return [self._column(folded, column) for column in range(self.columns)]

    def _added(
        self, totals: list[Any], weight_rows: list[Any], input_rows: list[Any], start: Any, mask: Any
    ) -> list[Any]:
        """The totals, a vector for every row of every column, after one step from element `start` on."""
        left = [self._weights_at(row, start, mask) for row in weight_rows]
        totals = list(totals)
        for column, row in enumerate(input_rows):
            right = self._inputs_at(row, start)
            for index, vector in enumerate(left):
                place = column * self.rows + index
                if self.is_int8:
                    totals[place] = self.code.add_products(totals[place], vector, right)
                else:
                    totals[place] = self.code.multiply_add(vector, right, totals[place])
        return totals

    def _weights_at(self, row: Any, start: Any, mask: Any) -> Any:
        code = self.code
        stored = code.load(code.at(row, start, self.weight_bytes), ir.VectorType(self.weights, self.step), mask)
        if self.is_int8:
            return code.builder.sext(stored, ir.VectorType(INT16, self.step))
        return code.builder.fpext(stored, code.floats) if self.weights == HALF else stored

    def _inputs_at(self, row: Any, start: Any) -> Any:
        code = self.code
        if not self.is_int8:
            return code.load(code.at(row, start, 4), code.floats)
        return code.load(code.at(row, start, 2), ir.VectorType(INT16, 2 * code.lanes))

    def _column(self, folded: list[Any], column: int) -> Any:
        """The sums of one column, as a vector (rows)."""
        first = column * self.rows
        vector = folded[first // self.code.lanes]
        start = first % self.code.lanes
        return self.code.shuffled(vector, vector, list(range(start, start + self.rows)))


def _plain(rows: int, weights: Any = FLOAT) -> Callable[..., Any]:
    """A tile of one column whose sums are written as they are, in float32."""

    def tile(typing: Any, matrix: Any, stride: Any, inputs: Any, count: Any, target: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            matrix, stride, inputs, count, target = arguments
            code = VectorCode(builder, matrix.type)
            (column,) = _Tile(code, rows, 1, weights=weights).sums(matrix, stride, inputs, count, count)
            code.store(column, target)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 5), generate

    return tile


def _linear(rows: int, columns: int, *, is_int8: bool) -> Callable[..., Any]:
    """A tile of a linear layer: scaled, with its bias, stored or added to what stands there."""

    def tile(  # the arguments of one signature, which Numba wants by name
        typing: Any,
        weights: Any,
        weight_stride: Any,
        inputs: Any,
        input_stride: Any,
        count: Any,
        scales: Any,
        input_scales: Any,
        bias: Any,
        target: Any,
        target_stride: Any,
        adds: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            code = VectorCode(builder, arguments[0].type)
            _finish_linear(code, arguments, rows=rows, columns=columns, is_int8=is_int8)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 11), generate

    return tile


def _finish_linear(code: VectorCode, arguments: Any, *, rows: int, columns: int, is_int8: bool) -> None:
    """As many columns at a time as the registers hold, each finished while its sums are there."""
    weights, weight_stride, inputs, input_stride, count = arguments[:5]
    scales, input_scales, bias, target, target_stride, adds = arguments[5:]
    builder, narrow = code.builder, ir.VectorType(FLOAT, rows)
    bias_vector, scale_vector = code.load(bias, narrow), code.load(scales, narrow) if is_int8 else None
    nothing = ir.Constant(narrow, [-0.0] * rows)  # x + -0.0 is x, for zeros of either sign too
    at_once = min(columns, 2 if code.lanes <= _FEWER_REGISTERS else 4)
    for first in range(0, columns, at_once):
        tile = _Tile(code, rows, at_once, weights=INT8 if is_int8 else FLOAT)
        here = code.at(inputs, input_stride, first)
        for column, sums in enumerate(tile.sums(weights, weight_stride, here, input_stride, count), first):
            product = sums
            if is_int8:
                own = code.load(code.at(input_scales, code.constant(4), column), ir.VectorType(FLOAT, 1))
                scale = builder.fmul(scale_vector, code.shuffled(own, own, [0] * rows))
                product = builder.fmul(builder.sitofp(sums, narrow), scale)
            place = code.at(target, target_stride, column)
            before = code.if_any(adds, [nothing], functools.partial(_loaded, code, place, narrow))
            code.store(builder.fadd(builder.fadd(product, bias_vector), before[0]), place)


def _loaded(code: VectorCode, place: Any, kind: Any, _: list[Any]) -> list[Any]:
    return [code.load(place, kind)]


float32_tile_4x1 = intrinsic(_plain(4))
float32_tile_1x1 = intrinsic(_plain(1))
float16_tile_4x1 = intrinsic(_plain(4, HALF))
float16_tile_1x1 = intrinsic(_plain(1, HALF))
int8_linear_4x4 = intrinsic(_linear(4, 4, is_int8=True))
int8_linear_4x1 = intrinsic(_linear(4, 1, is_int8=True))
int8_linear_1x1 = intrinsic(_linear(1, 1, is_int8=True))
float32_linear_4x4 = intrinsic(_linear(4, 4, is_int8=False))
float32_linear_4x1 = intrinsic(_linear(4, 1, is_int8=False))
float32_linear_1x1 = intrinsic(_linear(1, 1, is_int8=False))
