"""The dtypes that a GGUF file can hold a GPT-2 in, and the conversion of tensors."""

import math
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from gpt25.errors import WeightsError

if TYPE_CHECKING:
    import numpy

GGUFType = Literal["float32", "float16", "bfloat16", "q8_0"]
"""float32 loses nothing; q8_0 is eight bits a value and a float16 scale for every 32 of a row: 8.5 bits."""

Q8_0_BLOCK = 32  # values of one row that share a scale
_LARGEST_FLOAT16 = 65504.0
_LARGEST = {
    "float32": math.inf,
    "float16": _LARGEST_FLOAT16,
    "bfloat16": math.inf,
    "q8_0": 127 * _LARGEST_FLOAT16,  # the scale is the block's largest absolute value / 127, as float16
}


def size_in_bytes(shape: tuple[int, ...], dtype_name: GGUFType) -> int:
    """Bytes that a tensor takes: size_in_bytes((2, 64), "q8_0") -> 136, four blocks of 32 + 2 bytes."""
    elements = math.prod(shape)
    if dtype_name == "q8_0":
        return elements // Q8_0_BLOCK * (Q8_0_BLOCK + 2)
    return elements * (4 if dtype_name == "float32" else 2)


def convert_tensor(tensor: Tensor, dtype_name: GGUFType, name: str) -> "numpy.ndarray[Any, Any]":
    """Convert rows of float32, float16 or bfloat16 values to a dtype's bytes, rounded to nearest.

    name: what to call the tensor where its values do not fit. Raises WeightsError for values that are not finite or
    too large for the dtype. For q8_0, the rows are complete blocks of Q8_0_BLOCK values.
    """
    values = tensor.detach().to("cpu", torch.float32).contiguous()
    largest = float(values.abs().max())
    if not largest <= _LARGEST[dtype_name] or math.isinf(largest):  # NaN is not <= anything
        raise WeightsError(_does_not_fit(name, largest, dtype_name))
    if dtype_name == "q8_0":
        import gguf

        return gguf.quantize(values.numpy(), gguf.GGMLQuantizationType.Q8_0)
    return values.to(getattr(torch, dtype_name)).view(torch.uint8).numpy()


def _does_not_fit(name: str, largest: float, dtype_name: GGUFType) -> str:
    if not math.isfinite(largest):
        return f"{name} holds values that are NaN or infinite; use an earlier checkpoint, from before they appeared."
    return (
        f"{name} holds values up to {largest:,.6g}; {dtype_name} ends at {_LARGEST[dtype_name]:,.0f}. "
        "Export as bfloat16 or float32."
    )
