"""TensorFlow's own reader of checkpoints, imported only when one is read."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gpt25.errors import CorruptFileError
from gpt25.installation import missing_extra

if TYPE_CHECKING:
    import numpy

# Without these TensorFlow greets with remarks about the processor and about its kernels, none of which are used here.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "0"}


class CheckpointReader(Protocol):
    """What is used of a tf.train.CheckpointReader."""

    def get_variable_to_shape_map(self) -> Mapping[str, Sequence[int]]:
        """The shape of every variable."""

    def get_variable_to_dtype_map(self) -> Mapping[str, Any]:
        """The dtype of every variable: an object whose `name` is "float32"."""

    def get_tensor(self, name: str) -> "numpy.ndarray[Any, Any]":
        """The values of one variable."""


def open_checkpoint(prefix: Path) -> CheckpointReader:
    """Open a checkpoint by the beginning of its files' names: open_checkpoint(Path("124M/model.ckpt")).

    Only tensors are read; a graph beside them (.meta) stays shut. Raises MissingExtraError where TensorFlow is not
    installed and CorruptFileError where it cannot read the files.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import tensorflow
    except ImportError as problem:
        raise missing_extra(
            f"reading {prefix.parent}, a TensorFlow checkpoint, needs the package tensorflow-cpu", extra="tensorflow"
        ) from problem
    try:
        return tensorflow.train.load_checkpoint(str(prefix))
    except Exception as problem:  # its own tree of errors, and RuntimeError
        raise unreadable(prefix, problem) from problem


def unreadable(prefix: Path, problem: Exception) -> CorruptFileError:
    """Our own error, in one line, for whatever TensorFlow raised."""
    reason = " ".join(str(problem).split())[:300] or type(problem).__name__
    return CorruptFileError(f"TensorFlow cannot read {prefix}.*: {reason}. Fetch or copy the files again.")
