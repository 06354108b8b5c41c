"""What the kernels are made of: tiles of dot products, weighted sums, the largest of many, atomic counters.

All take addresses, strides in bytes and counts. A tile holds the sums of ROWS rows of weights with COLUMNS rows of
activations and writes them with the weights' rows innermost. Rows of activations are padded with zeros to a multiple of
PADDING elements; rows of weights need no padding.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from gpt25.kernels.vector_code import FLOAT, INT8, INT16, INT32, INT64, VectorCode

PADDING = 32
"""Rows of activations are multiples of this many elements, the widest step of any loop here."""

_FEWER_REGISTERS = 8
"""A processor whose vectors have at most this many lanes has 16 registers, which two columns fill."""


def _emit_tile(code: VectorCode, arguments: list[Any], *, rows: int, columns: int, is_int8: bool) -> None:
    """A tile in as many columns at a time as the registers hold."""
    weights, weight_stride, inputs, input_stride, count, sums = arguments
    at_once = 2 if code.lanes <= _FEWER_REGISTERS else 4
    for first in range(0, columns, at_once):
        narrow = min(at_once, columns - first)
        here = [weights, weight_stride, code.at(inputs, input_stride, first), input_stride, count]
        target = code.builder.add(sums, code.constant(4 * rows * first))
        _emit_columns(code, [*here, target], rows=rows, columns=narrow, is_int8=is_int8)


def _emit_columns(code: VectorCode, arguments: list[Any], *, rows: int, columns: int, is_int8: bool) -> None:
    """The loop over whole vectors, one masked step for what remains, and the sums of the lanes."""
    weights, weight_stride, inputs, input_stride, count, sums = arguments
    builder = code.builder
    step = 2 * code.lanes if is_int8 else code.lanes
    accumulator = code.integers if is_int8 else code.floats
    zero = ir.Constant(accumulator, [0] * code.lanes)
    weight_rows = [code.at(weights, weight_stride, row) for row in range(rows)]
    input_rows = [code.at(inputs, input_stride, column) for column in range(columns)]

    def add_step(totals: list[Any], start: Any, mask: Any) -> list[Any]:
        left = [_weights_at(code, row, start, mask, is_int8=is_int8) for row in weight_rows]
        totals = list(totals)
        for column, row in enumerate(input_rows):
            right = _inputs_at(code, row, start, is_int8=is_int8)
            for index, vector in enumerate(left):
                place = column * rows + index
                add = code.add_products if is_int8 else _added(code)
                totals[place] = add(totals[place], vector, right)
        return totals

    whole = builder.and_(count, code.constant(-step))
    totals = _loop(code, whole, step, [zero] * (rows * columns), lambda held, start: add_step(held, start, None))
    remaining = builder.sub(count, whole)
    mask = code.first_lanes(step, remaining)
    totals = _if_any(code, remaining, totals, lambda held: add_step(held, whole, mask))
    add = builder.add if is_int8 else builder.fadd
    for number, vector in enumerate(code.sums(totals, add)):
        wanted = min(code.lanes, rows * columns - number * code.lanes)
        kept = code.shuffled(vector, vector, list(range(wanted)))
        code.store(kept, builder.add(sums, code.constant(4 * number * code.lanes)))


def _added(code: VectorCode) -> Callable[[Any, Any, Any], Any]:
    return lambda total, left, right: code.multiply_add(left, right, total)


def _weights_at(code: VectorCode, row: Any, start: Any, mask: Any, *, is_int8: bool) -> Any:
    if not is_int8:
        return code.load(code.at(row, start, 4), code.floats, mask)
    narrow = code.load(code.at(row, start, 1), ir.VectorType(INT8, 2 * code.lanes), mask)
    return code.builder.sext(narrow, ir.VectorType(INT16, 2 * code.lanes))


def _inputs_at(code: VectorCode, row: Any, start: Any, *, is_int8: bool) -> Any:
    if not is_int8:
        return code.load(code.at(row, start, 4), code.floats)
    return code.load(code.at(row, start, 2), ir.VectorType(INT16, 2 * code.lanes))


def _loop(
    code: VectorCode, end: Any, step: int, held: list[Any], body: Callable[[list[Any], Any], list[Any]]
) -> list[Any]:
    """`held` after body(held, start) for start = 0, step, ... below `end`; the values of a loop that never runs too."""
    builder = code.builder
    before = builder.block
    head, inside, after = (builder.append_basic_block(name) for name in ("head", "inside", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    start = builder.phi(code.address_type)
    start.add_incoming(code.constant(0), before)
    current = [builder.phi(value.type) for value in held]
    for phi, value in zip(current, held, strict=True):
        phi.add_incoming(value, before)
    builder.cbranch(builder.icmp_signed("<", start, end), inside, after)
    builder.position_at_end(inside)
    for phi, value in zip(current, body(current, start), strict=True):
        phi.add_incoming(value, builder.block)
    start.add_incoming(builder.add(start, code.constant(step)), builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return current


def _if_any(code: VectorCode, count: Any, held: list[Any], body: Callable[[list[Any]], list[Any]]) -> list[Any]:
    """`held` after body(held) where the count is not zero, else as it was."""
    builder = code.builder
    before = builder.block
    inside, after = builder.append_basic_block("remaining"), builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed("!=", count, code.constant(0)), inside, after)
    builder.position_at_end(inside)
    changed, last = body(held), builder.block
    builder.branch(after)
    builder.position_at_end(after)
    joined = []
    for value, other in zip(held, changed, strict=True):
        phi = builder.phi(value.type)
        phi.add_incoming(value, before)
        phi.add_incoming(other, last)
        joined.append(phi)
    return joined


def _tile(rows: int, columns: int, *, is_int8: bool) -> Callable[..., Any]:
    def tile(
        typing: Any, weights: Any, weight_stride: Any, inputs: Any, input_stride: Any, count: Any, sums: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            code = VectorCode(builder, arguments[0].type)
            _emit_tile(code, list(arguments), rows=rows, columns=columns, is_int8=is_int8)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 6), generate

    return tile


int8_tile_4x4 = intrinsic(_tile(4, 4, is_int8=True))
int8_tile_4x1 = intrinsic(_tile(4, 1, is_int8=True))
int8_tile_1x1 = intrinsic(_tile(1, 1, is_int8=True))
float32_tile_4x4 = intrinsic(_tile(4, 4, is_int8=False))
float32_tile_4x1 = intrinsic(_tile(4, 1, is_int8=False))
float32_tile_1x1 = intrinsic(_tile(1, 1, is_int8=False))


@intrinsic
def weighted_sum(typing: Any, factors: Any, rows: Any, stride: Any, count: Any, width: Any, target: Any) -> Any:
    """target[i] = sum of factors[j] * rows[j][i] over j from 0 to count, float32, in that order; i below `width`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        factors, rows, stride, count, width, target = arguments
        code = VectorCode(builder, factors.type)
        zero = ir.Constant(code.floats, [0.0] * code.lanes)
        whole = builder.and_(width, code.constant(-4 * code.lanes))

        def four(held: list[Any], start: Any) -> list[Any]:
            _weighted(code, (factors, rows, stride, count, target), start, zero, vectors=4, width=None)
            return held

        def masked(held: list[Any], start: Any) -> list[Any]:
            first = builder.add(whole, start)
            _weighted(code, (factors, rows, stride, count, target), first, zero, vectors=1, width=width)
            return held

        _loop(code, whole, 4 * code.lanes, [], four)
        _loop(code, builder.sub(width, whole), code.lanes, [], masked)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), generate


def _weighted(code: VectorCode, arguments: tuple[Any, ...], first: Any, zero: Any, *, vectors: int, width: Any) -> None:
    """Some neighbouring vectors of the sum, from element `first` on; `width` masks those beyond it."""
    factors, rows, stride, count, target = arguments
    builder = code.builder
    mask = None if width is None else code.first_lanes(code.lanes, builder.sub(width, first))
    offset = code.at(code.constant(0), first, 4)

    def add_row(held: list[Any], number: Any) -> list[Any]:
        factor = builder.load(builder.inttoptr(code.at(factors, number, 4), FLOAT.as_pointer()))
        spread = code.splat(factor, code.lanes)
        row = builder.add(builder.add(rows, offset), builder.mul(stride, number))
        places = [builder.add(row, code.constant(4 * code.lanes * vector)) for vector in range(vectors)]
        loaded = [code.load(place, code.floats, mask) for place in places]
        return [code.multiply_add(spread, each, total) for each, total in zip(loaded, held, strict=True)]

    totals = _loop(code, count, 1, [zero] * vectors, add_row)
    place = builder.add(target, offset)
    for vector, total in enumerate(totals):
        code.store(total, builder.add(place, code.constant(4 * code.lanes * vector)))


@intrinsic
def largest(typing: Any, values: Any, count: Any) -> Any:
    """The largest of `count` float32 values, at least one; NaN where one is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _largest(VectorCode(builder, arguments[0].type), *arguments, magnitudes=False)

    return types.float32(types.intp, types.intp), generate


@intrinsic
def largest_magnitude(typing: Any, values: Any, count: Any) -> Any:
    """The largest magnitude of `count` float32 values, at least one; NaN where one is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _largest(VectorCode(builder, arguments[0].type), *arguments, magnitudes=True)

    return types.float32(types.intp, types.intp), generate


def _largest(code: VectorCode, values: Any, count: Any, *, magnitudes: bool) -> Any:
    builder = code.builder
    start = ir.Constant(code.floats, [0.0 if magnitudes else float("-inf")] * code.lanes)
    larger = code.function(f"llvm.maximum.v{code.lanes}f32", code.floats, [code.floats] * 2)
    magnitude = code.function(f"llvm.fabs.v{code.lanes}f32", code.floats, [code.floats])

    def whole_vector(held: list[Any], first: Any) -> list[Any]:
        loaded = code.load(code.at(values, first, 4), code.floats)
        return [builder.call(larger, [held[0], builder.call(magnitude, [loaded]) if magnitudes else loaded])]

    whole = builder.and_(count, code.constant(-code.lanes))
    (vector,) = _loop(code, whole, code.lanes, [start], whole_vector)
    remaining = builder.sub(count, whole)

    def masked(held: list[Any]) -> list[Any]:
        mask = code.first_lanes(code.lanes, remaining)
        loaded = code.load(code.at(values, whole, 4), code.floats, mask)
        loaded = builder.call(magnitude, [loaded]) if magnitudes else loaded
        return [builder.call(larger, [held[0], builder.select(mask, loaded, start)])]

    (vector,) = _if_any(code, remaining, [vector], masked)
    folded = code.sums([vector], lambda first, second: builder.call(larger, [first, second]))[0]
    return builder.extract_element(folded, ir.Constant(INT32, 0))


def _bits(source: Any, target: Any, kind: Any) -> Callable[..., Any]:
    def reinterpret(typing: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], kind)

        return target(source), generate

    return reinterpret


bits_of_float32 = intrinsic(_bits(types.float32, types.int32, INT32))
float32_of_bits = intrinsic(_bits(types.int32, types.float32, FLOAT))


@intrinsic
def add_to_counter(typing: Any, counter: Any) -> Any:
    """Add 1 to the int64 at the address, visible to every thread together with all that was written before."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], INT64.as_pointer())
        return builder.atomic_rmw("add", pointer, ir.Constant(INT64, 1), "seq_cst")

    return types.int64(types.intp), generate


@intrinsic
def read_counter(typing: Any, counter: Any) -> Any:
    """The int64 at the address, and with it all that other threads wrote before they added to it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(builder.inttoptr(arguments[0], INT64.as_pointer()), "acquire", 8)

    return types.int64(types.intp), generate


@intrinsic
def let_others_run(typing: Any) -> Any:
    """Offer the processor to whatever else waits for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        name = "sched_yield"
        known = builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(INT32, []), name)
        builder.call(known, [])
        return context.get_dummy_value()

    return types.void(), generate
