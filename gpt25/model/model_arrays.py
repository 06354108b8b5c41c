"""A GPT-2's weights as arrays of NumPy, for those who compute without torch."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

import numpy as np

from gpt25.model.configuration import GPTConfiguration

if TYPE_CHECKING:
    from gpt25.model.gpt import GPTModel

_LARGEST = 127
_ROWS_AT_ONCE = 64  # of 768 channels: 200 kB, which stay in the processor's cache from step to step
_TINY = np.finfo(np.float32).tiny
TOKEN_EMBEDDINGS = "transformer.word_token_embeddings.weight"


class Int8Matrix(NamedTuple):
    """A matrix in eight bits, as `gpt25.model.int8` rounds it: about quantised * scales."""

    quantised: np.ndarray  # (outputs, inputs) int8, from -127 to 127
    scales: np.ndarray  # (outputs) float32, with the digits of bfloat16

    @classmethod
    def of(cls, weight: np.ndarray) -> "Int8Matrix":
        """Round a matrix (outputs, inputs) float32: the scale of an output is the largest of its magnitudes / 127."""
        quantised = np.empty(weight.shape, np.int8)  # (outputs, inputs)
        scales = np.empty(len(weight), np.float32)  # (outputs)
        for first in range(0, len(weight), _ROWS_AT_ONCE):
            rows = slice(first, first + _ROWS_AT_ONCE)
            piece = np.array(weight[rows], order="C")  # (rows, inputs), rows in order however the matrix lies
            scales[rows] = _as_bfloat16(np.maximum(piece.max(1), -piece.min(1)) / np.float32(_LARGEST))
            piece /= np.maximum(scales[rows], _TINY)[:, None]
            with np.errstate(invalid="ignore"):  # NaN becomes any number, and its scale stays NaN
                quantised[rows] = np.rint(piece, out=piece).clip(-_LARGEST, _LARGEST, out=piece)
        return cls(quantised, scales)


@dataclasses.dataclass(frozen=True, eq=False)
class ModelArrays:
    """Everything that a step of a GPT-2 reads, in float32 or with its matrices in int8: no modules, no torch."""

    configuration: GPTConfiguration
    arrays: Mapping[str, np.ndarray | Int8Matrix]
    """By the names of GPTModel's parameters, the tied head left out; matrices are (outputs, inputs)."""
    end_token_ids: tuple[int, ...] = ()
    """Token ids at which its texts end, where its files name them; empty means the tokenizer's end of text."""

    @property
    def dtype(self) -> np.dtype:
        """Of the residual stream."""
        return np.dtype(np.float32)

    def end_ids(self, end_of_text_id: int) -> frozenset[int]:
        """The token ids at which a text of this model ends: its own, or else the tokenizer's end of text."""
        return frozenset(self.end_token_ids or (end_of_text_id,))

    def in_int8(self) -> "ModelArrays":
        """The same with its matrices in int8, as `quantise_int8` makes them: positions and vectors stay as they are."""
        rounded = {name: Int8Matrix.of(array) for name, array in self.arrays.items() if _is_rounded(array, name)}
        return dataclasses.replace(self, arrays={**self.arrays, **rounded})

    @classmethod
    def of(cls, model: "GPTModel") -> "ModelArrays":
        """Arrays over the memory of a model on the processor, in float32 or from `quantise_int8`."""
        arrays: dict[str, np.ndarray | Int8Matrix] = {
            name: parameter.detach().float().numpy() for name, parameter in model.named_parameters()
        }
        buffers = dict(model.named_buffers())
        for name in [name.removesuffix(".quantised") for name in buffers if name.endswith(".quantised")]:
            matrix = Int8Matrix(buffers[f"{name}.quantised"].numpy(), buffers[f"{name}.scales"].float().numpy())
            is_head = name.endswith("word_token_embeddings.head")  # named where it is met first
            arrays[TOKEN_EMBEDDINGS if is_head else f"{name}.weight"] = matrix
        return cls(model.configuration, arrays, model.end_token_ids)


def _is_rounded(array: np.ndarray | Int8Matrix, name: str) -> TypeGuard[np.ndarray]:
    return not isinstance(array, Int8Matrix) and array.ndim == 2 and "positional" not in name


def _as_bfloat16(values: np.ndarray) -> np.ndarray:
    """Finite float32 with the digits of bfloat16, the nearest, of two the even one."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32)
