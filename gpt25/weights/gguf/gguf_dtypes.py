"""The dtypes that a GGUF file can hold a GPT-2 in, and tensors turned into them."""

import math
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from gpt25.errors import WeightsError

if TYPE_CHECKING:
    import numpy

GGUFType = Literal["float32", "float16", "bfloat16", "q8_0"]
"""float32 loses nothing; q8_0 is eight bits a number and a float16 scale for every 32 of a row: 8.5 bits."""

Q8_0_BLOCK = 32  # numbers of one row that share a scale
_LARGEST_FLOAT16 = 65504.0
_LARGEST = {
    "float32": math.inf,
    "float16": _LARGEST_FLOAT16,
    "bfloat16": math.inf,
    "q8_0": 127 * _LARGEST_FLOAT16,  # the scale is the block's largest number / 127, as float16
}


def bytes_in_dtype(shape: tuple[int, ...], dtype_name: GGUFType) -> int:
    """Bytes that a tensor takes: bytes_in_format((2, 64), "q8_0") -> 136, four blocks of 32 + 2 bytes."""
    numbers = math.prod(shape)
    if dtype_name == "q8_0":
        return numbers // Q8_0_BLOCK * (Q8_0_BLOCK + 2)
    return numbers * (4 if dtype_name == "float32" else 2)


def in_dtype(tensor: Tensor, dtype_name: GGUFType, name: str) -> "numpy.ndarray[Any, Any]":
    """Turn rows of float32, float16 or bfloat16 numbers into a format's bytes, rounded to nearest.

    name: what to call the tensor where its numbers do not fit. Raises WeightsError for numbers that are not finite or
    too large for the format. For q8_0, the rows are whole blocks of Q8_0_BLOCK numbers.
    """
    exact = tensor.detach().to("cpu", torch.float32).contiguous()
    largest = float(exact.abs().max())
    if not largest <= _LARGEST[dtype_name] or math.isinf(largest):  # NaN is not <= anything
        raise WeightsError(_does_not_fit(name, largest, dtype_name))
    if dtype_name == "q8_0":
        import gguf

        return gguf.quantize(exact.numpy(), gguf.GGMLQuantizationType.Q8_0)
    return exact.to(getattr(torch, dtype_name)).view(torch.uint8).numpy()


def _does_not_fit(name: str, largest: float, dtype_name: GGUFType) -> str:
    if not math.isfinite(largest):
        return f"{name} holds numbers that are NaN or infinite; use an earlier checkpoint, from before they appeared."
    return (
        f"{name} holds numbers up to {largest:,.6g}; {dtype_name} ends at {_LARGEST[dtype_name]:,.0f}. "
        "Export as bfloat16 or float32."
    )
