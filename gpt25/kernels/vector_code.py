"""LLVM code for the loops that decide how fast a token comes, in the widest vectors that the processor has.

Numba compiles a plain loop of bytes to instructions that convert first and multiply afterwards. These intrinsics say
what is meant: products of 16-bit whole numbers, summed in pairs into 32 bits (`vpdpwssd`, or `vpmaddwd` and an
addition). Every sum of a tile is made in one order, whatever the tile's height and width, so that a row gives the same
bits alone and among others. Addresses and strides are in bytes.
"""

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import config

INT8, INT16, INT32, INT64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
FLOAT, HALF = ir.FloatType(), ir.HalfType()


def processor_features() -> frozenset[str]:
    """The instruction sets that Numba compiles for: this processor's, or those of its NUMBA_CPU_FEATURES."""
    if config.CPU_FEATURES is not None:
        return frozenset(word[1:] for word in config.CPU_FEATURES.split(",") if word.startswith("+"))
    return frozenset(name for name, present in llvmlite.binding.get_host_cpu_features().items() if present)


def vector_lanes() -> int:
    """How many 32-bit numbers a vector holds: 16 with AVX-512, 8 with AVX2, else 4."""
    features = processor_features()
    if {"avx512f", "avx512bw"} <= features:
        return 16
    return 8 if "avx2" in features else 4


def product_instruction() -> str:
    """What multiplies int8 weights here: vpdpwssd, vpmaddwd, or plain multiplications."""
    features = processor_features()
    lanes = vector_lanes()
    if "avx512vnni" in features and (lanes == 16 or "avx512vl" in features):
        return "vpdpwssd"
    return "vpmaddwd" if lanes >= 8 else "multiplications"


def converts_float16() -> bool:
    """Whether vectors of float16 become float32 in one instruction, so that half the memory is worth keeping."""
    return "f16c" in processor_features()


class VectorCode:
    """One builder, and the few instructions that the loops are made of."""

    def __init__(self, builder: Any, address_type: Any) -> None:
        self.builder = builder
        self.address_type = address_type
        self.lanes = vector_lanes()
        self.integers = ir.VectorType(INT32, self.lanes)
        self.floats = ir.VectorType(FLOAT, self.lanes)

    def constant(self, value: int) -> Any:
        """An address, stride or count that is known now."""
        return ir.Constant(self.address_type, value)

    def at(self, base: Any, stride: Any, times: int) -> Any:
        """Base + times * stride."""
        return self.builder.add(base, self.builder.mul(stride, self.constant(times)))

    def function(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """One of LLVM's own functions, declared once in a module."""
        known = self.builder.module.globals.get(name)
        return known or ir.Function(self.builder.module, ir.FunctionType(result, list(arguments)), name)

    def load(self, address: Any, kind: Any, mask: Any = None) -> Any:
        """A vector from memory; where the mask is false zeros, and the memory is not touched."""
        pointer = self.builder.inttoptr(address, kind.as_pointer())
        if mask is None:
            return self.builder.load(pointer, align=1)
        element = {FLOAT: "f32", HALF: "f16"}.get(kind.element) or f"i{kind.element.width}"
        name = f"llvm.masked.load.v{kind.count}{element}.p0"
        load = self.function(name, kind, [kind.as_pointer(), INT32, mask.type, kind])
        zeros = ir.Constant(kind, [0] * kind.count)
        return self.builder.call(load, [pointer, ir.Constant(INT32, 1), mask, zeros])

    def store(self, vector: Any, address: Any) -> None:
        """A vector to memory."""
        self.builder.store(vector, self.builder.inttoptr(address, vector.type.as_pointer()), align=4)

    def prefetch(self, address: Any) -> None:
        """Ask for the line at an address, which need not exist."""
        pointer = self.builder.inttoptr(address, INT8.as_pointer())
        fetch = self.function("llvm.prefetch.p0", ir.VoidType(), [pointer.type, INT32, INT32, INT32])
        self.builder.call(fetch, [pointer, *(ir.Constant(INT32, value) for value in (0, 3, 1))])

    def first_lanes(self, lanes: int, count: Any) -> Any:
        """A mask (lanes) that is true for the first `count`."""
        wide = ir.VectorType(self.address_type, lanes)
        numbers = ir.Constant(wide, list(range(lanes)))
        return self.builder.icmp_signed("<", numbers, self.splat(count, lanes))

    def splat(self, value: Any, lanes: int) -> Any:
        """A vector that holds one value in every lane."""
        kind = ir.VectorType(value.type, lanes)
        single = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(INT32, 0))
        return self.shuffled(single, single, [0] * lanes)

    def shuffled(self, first: Any, second: Any, lanes: Sequence[int]) -> Any:
        """Lanes of two vectors, counted through both, as a new vector."""
        indices = ir.Constant(ir.VectorType(INT32, len(lanes)), list(lanes))
        return self.builder.shuffle_vector(first, second, indices)

    def multiply_add(self, first: Any, second: Any, total: Any) -> Any:
        """First * second + total of float32 vectors, rounded once."""
        kind = total.type
        fused = self.function(f"llvm.fma.v{kind.count}f32", kind, [kind] * 3)
        return self.builder.call(fused, [first, second, total])

    def add_products(self, total: Any, first: Any, second: Any) -> Any:
        """Products of 16-bit lanes, added in pairs to the 32-bit lanes of `total`."""
        bits, kind = 32 * self.lanes, self.integers
        instruction = product_instruction()
        if instruction == "vpdpwssd":
            product = self.function(f"llvm.x86.avx512.vpdpwssd.{bits}", kind, [kind] * 3)
            return self.builder.call(product, [total, *(self.builder.bitcast(each, kind) for each in (first, second))])
        if instruction == "vpmaddwd":
            name = "llvm.x86.avx512.pmaddw.d.512" if bits == 512 else "llvm.x86.avx2.pmadd.wd"
            return self.builder.add(
                total, self.builder.call(self.function(name, kind, [first.type] * 2), [first, second])
            )
        wide = ir.VectorType(INT32, 2 * self.lanes)
        products = self.builder.mul(self.builder.sext(first, wide), self.builder.sext(second, wide))
        return self.builder.add(total, self._pairs(products, products, self.builder.add, self.lanes))

    def sums(self, vectors: Sequence[Any], add: Callable[[Any, Any], Any]) -> list[Any]:
        """Vectors whose lanes, in order, are the sums of the lanes of the vectors given, always in the same order."""
        level, width = list(vectors), self.lanes
        while width > 1:
            if len(level) % 2:
                level.append(level[-1])
            level = [self._pairs(level[i], level[i + 1], add, self.lanes) for i in range(0, len(level), 2)]
            width //= 2
        return level

    def _pairs(self, first: Any, second: Any, add: Callable[[Any, Any], Any], lanes: int) -> Any:
        """Sums of neighbouring lanes of two vectors, laid one behind the other."""
        even, odd = range(0, 2 * lanes, 2), range(1, 2 * lanes, 2)
        return add(self.shuffled(first, second, list(even)), self.shuffled(first, second, list(odd)))

    def loop(self, end: Any, step: int, held: list[Any], body: Callable[[list[Any], Any], list[Any]]) -> list[Any]:
        """`held` after body(held, start) for start = 0, step, ... below `end`, which may be no number at all."""
        builder = self.builder
        before = builder.block
        head, inside, after = (builder.append_basic_block(name) for name in ("head", "inside", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        start = builder.phi(self.address_type)
        start.add_incoming(self.constant(0), before)
        current = [builder.phi(value.type) for value in held]
        for phi, value in zip(current, held, strict=True):
            phi.add_incoming(value, before)
        builder.cbranch(builder.icmp_signed("<", start, end), inside, after)
        builder.position_at_end(inside)
        for phi, value in zip(current, body(current, start), strict=True):
            phi.add_incoming(value, builder.block)
        start.add_incoming(builder.add(start, self.constant(step)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return current

    def if_any(self, count: Any, held: list[Any], body: Callable[[list[Any]], list[Any]]) -> list[Any]:
        """`held` after body(held) where the count is not zero, else as it was."""
        builder = self.builder
        before = builder.block
        inside, after = builder.append_basic_block("remaining"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed("!=", count, self.constant(0)), inside, after)
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
