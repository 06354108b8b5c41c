"""A GPT-2's weights as arrays of NumPy, for those who compute without torch."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gpt25.model.configuration import GPTConfiguration

if TYPE_CHECKING:
    from gpt25.model.gpt import GPTModel

TOKEN_EMBEDDINGS = "transformer.word_token_embeddings.weight"


class Int8Matrix(NamedTuple):
    """A matrix in eight bits, as `gpt25.model.int8` rounds it: about quantised * scales."""

    quantised: np.ndarray  # (outputs, inputs) int8, from -127 to 127
    scales: np.ndarray  # (outputs) float32


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

    @classmethod
    def of(cls, model: "GPTModel") -> "ModelArrays":
        """Arrays over the memory of a model on the processor, in float32 or from `quantise_int8`."""
        from gpt25.model.int8 import Int8Linear

        arrays: dict[str, np.ndarray | Int8Matrix] = {
            name: parameter.detach().float().numpy() for name, parameter in model.named_parameters()
        }
        for name, module in model.named_modules():
            if isinstance(module, Int8Linear):
                is_head = name.endswith("word_token_embeddings.head")  # named where it is met first
                matrix = Int8Matrix(module.quantised.numpy(), module.scales.float().numpy())
                arrays[TOKEN_EMBEDDINGS if is_head else f"{name}.weight"] = matrix
        return cls(model.configuration, arrays, model.end_token_ids)
