"""The tensors of OpenAI's original release, each where its TensorFlow checkpoint has it."""

import dataclasses
import glob
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.errors import CorruptFileError, WeightsError
from gpt25.storage import is_file
from gpt25.weights.openai import tensorflow_reader
from gpt25.weights.openai.openai_release import HPARAMS_NAME
from gpt25.weights.openai.tensorflow_reader import CheckpointReader, unreadable
from gpt25.weights.safetensors.safetensors_header import BYTES_PER_ELEMENT, StoredTensor

if TYPE_CHECKING:
    from torch import Tensor

_STATE_NAME = "checkpoint"
_USUAL_NAME = "model.ckpt"
_MODEL_PATH = re.compile(r'^model_checkpoint_path: "([^"]*)"\s*$', re.MULTILINE)
_LARGEST_STATE_BYTES = 1 << 20
_CONVOLUTION = "/w"  # a matrix as a convolution of width 1: (1, in, out)
_DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


@dataclasses.dataclass(frozen=True)
class CheckpointTensor(StoredTensor):
    """A tensor inside a checkpoint; `begin` and `end` only say how many bytes it has."""

    variable: str
    reader: CheckpointReader = dataclasses.field(repr=False, compare=False)

    def read(self) -> "Tensor":
        """Read the tensor, in the shape and dtype that were announced; raises CorruptFileError."""
        import numpy
        import torch

        try:
            array = self.reader.get_tensor(self.variable)
        except Exception as problem:  # TensorFlow's own tree of errors, and RuntimeError
            raise unreadable(self.path, problem) from problem
        if array.nbytes != self.number_of_bytes:
            raise CorruptFileError(
                f"{self.variable} in {self.path}.* has {array.nbytes:,} bytes, its index says "
                f"{self.number_of_bytes:,}. Fetch or copy the files again."
            )
        if self.dtype == "BF16":  # a dtype that torch cannot take from numpy
            return torch.from_numpy(array.view(numpy.int16)).view(torch.bfloat16).view(self.shape)
        return torch.from_numpy(array).view(self.shape)


def find_checkpoint_tensors(directory: str | Path) -> dict[str, StoredTensor]:
    """List every tensor of a release by OpenAI's name of it; the weights are not read yet.

    The leading dimension of 1 of the matrices is dropped. Raises WeightsError when files are missing, MissingExtraError
    when TensorFlow is, CorruptFileError when it cannot read them.
    """
    prefix = _prefix(Path(directory))
    reader = tensorflow_reader.open_checkpoint(prefix)
    dtypes = reader.get_variable_to_dtype_map()
    tensors: dict[str, StoredTensor] = {}
    for variable, sizes in sorted(reader.get_variable_to_shape_map().items()):
        shape = tuple(sizes)
        if variable.endswith(_CONVOLUTION) and len(shape) == 3 and shape[0] == 1:
            shape = shape[1:]
        dtype = _DTYPES.get(dtypes[variable].name, dtypes[variable].name)
        size = math.prod(shape) * BYTES_PER_ELEMENT.get(dtype, 0)
        tensors[variable] = CheckpointTensor(prefix, dtype, shape, 0, size, variable, reader)
    return tensors


def _prefix(directory: Path) -> Path:
    """The beginning of the names of a checkpoint's files, beside the file `checkpoint` that tells it.

    Of a path only the last part counts: a program that was given an absolute path recorded all of it, and the directory
    may have moved since.
    """
    state = directory / _STATE_NAME
    name = _USUAL_NAME
    if is_file(state):
        content = state.read_bytes()[:_LARGEST_STATE_BYTES].decode("utf-8", "replace")
        found = _MODEL_PATH.search(content)
        name = "" if found is None else re.split(r"[/\\]", found[1])[-1]
        if not name:
            raise WeightsError(f"{state} names no model_checkpoint_path; OpenAI's names {_USUAL_NAME!r}.")
    for pattern in (f"{name}.index", f"{name}.data-*-of-*"):
        if not any(is_file(path) for path in directory.glob(pattern.replace(name, glob.escape(name)))):
            raise WeightsError(
                f"{directory} holds {HPARAMS_NAME} and no {pattern}; OpenAI's release has checkpoint, hparams.json, "
                f"encoder.json, vocab.bpe, {_USUAL_NAME}.index and {_USUAL_NAME}.data-00000-of-00001. Fetch it again."
            )
    return directory / name
