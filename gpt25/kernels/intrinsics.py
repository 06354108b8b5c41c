"""What the kernels are made of besides tiles: weighted sums, the largest of many, atomic counters.

All take addresses, strides in bytes and counts.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from gpt25.kernels.vector_code import FLOAT, HALF, INT16, INT32, INT64, VectorCode


def _weighted_sum(kind: Any) -> Callable[..., Any]:
    """target[i] = sum of factors[j] * rows[j][i] over j from 0 to count, float32, in that order; i below `width`."""

    def weighted_sum(typing: Any, factors: Any, rows: Any, stride: Any, count: Any, width: Any, target: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            factors, rows, stride, count, width, target = arguments
            code = VectorCode(builder, factors.type)
            whole = builder.and_(width, code.constant(-4 * code.lanes))
            sums = _WeightedSum(code, (factors, rows, stride, count, target), kind)

            def four(held: list[Any], start: Any) -> list[Any]:
                sums.emit(start, vectors=4, width=None)
                return held

            def masked(held: list[Any], start: Any) -> list[Any]:
                sums.emit(builder.add(whole, start), vectors=1, width=width)
                return held

            code.loop(whole, 4 * code.lanes, [], four)
            code.loop(builder.sub(width, whole), code.lanes, [], masked)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 6), generate

    return weighted_sum


class _WeightedSum:
    """The sum over rows of float32 or float16, some neighbouring vectors at a time."""

    def __init__(self, code: VectorCode, arguments: tuple[Any, ...], kind: Any) -> None:
        self.code, self.arguments, self.kind = code, arguments, kind
        self.element_bytes = 2 if kind == HALF else 4

    def emit(self, first: Any, *, vectors: int, width: Any) -> None:
        """The elements from `first` on; `width` masks those beyond it."""
        code, builder = self.code, self.code.builder
        factors, rows, stride, count, target = self.arguments
        mask = None if width is None else code.first_lanes(code.lanes, builder.sub(width, first))
        start = code.at(rows, first, self.element_bytes)

        def add_row(held: list[Any], number: Any) -> list[Any]:
            factor = builder.load(builder.inttoptr(code.at(factors, number, 4), FLOAT.as_pointer()))
            spread = code.splat(factor, code.lanes)
            row = builder.add(start, builder.mul(stride, number))
            loaded = [self._loaded(row, vector, mask) for vector in range(vectors)]
            return [code.multiply_add(spread, each, total) for each, total in zip(loaded, held, strict=True)]

        zero = ir.Constant(code.floats, [0.0] * code.lanes)
        place = code.at(target, first, 4)
        for vector, total in enumerate(code.loop(count, 1, [zero] * vectors, add_row)):
            code.store(total, builder.add(place, code.constant(4 * code.lanes * vector)))

    def _loaded(self, row: Any, vector: int, mask: Any) -> Any:
        code = self.code
        place = code.builder.add(row, code.constant(self.element_bytes * code.lanes * vector))
        loaded = code.load(place, ir.VectorType(self.kind, code.lanes), mask)
        return code.builder.fpext(loaded, code.floats) if self.kind == HALF else loaded


weighted_sum = intrinsic(_weighted_sum(FLOAT))
weighted_sum_of_float16 = intrinsic(_weighted_sum(HALF))


@intrinsic
def bits_of_float16(typing: Any, value: Any) -> Any:
    """The nearest float16 of a float32 between its bounds, as the uint16 of its bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.fptrunc(arguments[0], HALF), INT16)

    return types.uint16(types.float32), generate


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
    (vector,) = code.loop(whole, code.lanes, [start], whole_vector)
    remaining = builder.sub(count, whole)

    def masked(held: list[Any]) -> list[Any]:
        mask = code.first_lanes(code.lanes, remaining)
        loaded = code.load(code.at(values, whole, 4), code.floats, mask)
        loaded = builder.call(magnitude, [loaded]) if magnitudes else loaded
        return [builder.call(larger, [held[0], builder.select(mask, loaded, start)])]

    (vector,) = code.if_any(remaining, [vector], masked)
    folded = code.sums([vector], lambda first, second: builder.call(larger, [first, second]))[0]
    return builder.extract_element(folded, ir.Constant(INT32, 0))


@intrinsic
def magnitude_bits(typing: Any, value: Any) -> Any:
    """The bits of a float32 without its sign, as a whole number: larger for larger magnitudes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.and_(builder.bitcast(arguments[0], INT32), ir.Constant(INT32, 0x7FFFFFFF))

    return types.int32(types.float32), generate


@intrinsic
def magnitude_of_bits(typing: Any, bits: Any) -> Any:
    """The float32 that is not negative and has these bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], FLOAT)

    return types.float32(types.int32), generate


@intrinsic
def times_power_of_two(typing: Any, value: Any, exponent: Any) -> Any:
    """Value * 2^n of float32, n being the low bits of `exponent`: a float32 to which 1.5 * 2^23 was added."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits, power = (builder.bitcast(argument, INT32) for argument in arguments)
        return builder.bitcast(builder.add(bits, builder.shl(power, ir.Constant(INT32, 23))), FLOAT)

    return types.float32(types.float32, types.float32), generate


@intrinsic
def at_least(typing: Any, value: Any, smallest: Any) -> Any:
    """The float32 value, or `smallest` where it is below; NaN stays."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", *arguments), arguments[1], arguments[0])

    return types.float32(types.float32, types.float32), generate


@intrinsic
def at_most(typing: Any, value: Any, largest: Any) -> Any:
    """The float32 value, or `largest` where it is above; NaN stays."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *arguments), arguments[1], arguments[0])

    return types.float32(types.float32, types.float32), generate


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
