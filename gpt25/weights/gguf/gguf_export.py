"""A model and its tokenizer into one GGUF file, the format of llama.cpp."""

import contextlib
import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gpt25.errors import ConfigurationError, WeightsError
from gpt25.installation import missing_extra
from gpt25.model import GPTModel
from gpt25.storage import atomic_file, require_output_file
from gpt25.tokenizer import Tokenizer
from gpt25.weights.gguf.gguf_dtypes import Q8_0_BLOCK, GGUFType, convert_tensor, size_in_bytes
from gpt25.weights.gguf.gguf_metadata import ARCHITECTURE, write_metadata
from gpt25.weights.names import POSITIONAL_EMBEDDINGS, TOKEN_EMBEDDINGS, TensorName, tensor_names
from gpt25.weights.save import require_savable

if TYPE_CHECKING:
    import gguf

GGUF_TYPES: tuple[GGUFType, ...] = ("float16", "bfloat16", "q8_0", "float32")
_ELEMENTS_AT_ONCE = 1 << 22  # converted in pieces of 16 MiB of float32, so that a large matrix is never there twice


@dataclasses.dataclass(frozen=True, kw_only=True)
class GGUFSummary:
    """What `export_gguf` wrote."""

    number_of_bytes: int
    tensors_by_type: dict[str, int]
    """How many tensors are kept in each dtype: {"float16": 50, "float32": 99}."""
    fallbacks: tuple[str, ...]
    """Matrices whose rows are no multiple of 32 values, kept in float16 instead of q8_0."""
    rows_left_out: int
    """Spare rows of the token embeddings, beyond the tokenizer's vocabulary."""


@dataclasses.dataclass(frozen=True)
class _Planned:
    """One tensor to write: its name in the file, its values, and the dtype it will have."""

    name: TensorName
    tensor: Tensor
    dtype_name: GGUFType


def require_gguf() -> None:
    """Raise MissingExtraError where the package gguf is not installed."""
    try:
        import gguf  # noqa: F401
    except ImportError as problem:
        raise missing_extra("writing GGUF files needs the package gguf", extra="export") from problem


def export_gguf(
    model: GPTModel,
    tokenizer: Tokenizer | None,
    path: str | Path,
    *,
    dtype_name: GGUFType = "float16",
    name: str = "GPT-2",
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> GGUFSummary:
    """Write a file that llama.cpp loads, atomically: export_gguf(model, tokenizer, "my-gpt2.gguf").

    dtype_name: of the matrices and token embeddings; vectors and positions stay float32, as llama.cpp wants. A
    matrix that q8_0 cannot hold, because its rows are no multiple of 32 values, stays float16. Spare rows of the token
    embeddings, which no id of the tokenizer means, are left out.
    name: the model's, as llama.cpp shows it. progress: called with the elements written since the last call.
    Raises WeightsError for a model without tokenizer, a head that is not tied, or values that the dtype cannot hold;
    MissingExtraError, StorageError, DiskFullError or ConfigurationError. The head is not written a second time:
    llama.cpp takes the token embeddings where it finds none.
    """
    if dtype_name not in GGUF_TYPES:
        raise ConfigurationError(f"dtype_name is {dtype_name!r}; it must be one of {', '.join(GGUF_TYPES)}.")
    require_gguf()
    require_output_file(path, overwrite=overwrite)
    tokenizer = _require_exportable(model, tokenizer)
    plan = list(_plan(model, tokenizer, dtype_name))
    fallbacks = tuple(
        planned.name.llama_cpp for planned in plan if dtype_name == "q8_0" and planned.dtype_name == "float16"
    )
    if fallbacks and not any(planned.dtype_name == "q8_0" for planned in plan):
        channels = model.configuration.number_of_embedding_dimensions
        raise WeightsError(
            f"q8_0 puts {Q8_0_BLOCK} values of a row into a block, and no matrix of a model with {channels} channels "
            f"has rows of a multiple of {Q8_0_BLOCK}. Export as float16."
        )
    with atomic_file(path) as temporary:
        with _writer(temporary) as writer:
            write_metadata(writer, model.configuration, tokenizer, name=name, dtype_name=dtype_name)
            _write_tensors(writer, plan, progress or (lambda elements: None))
        number_of_bytes = temporary.stat().st_size
    return GGUFSummary(
        number_of_bytes=number_of_bytes,
        tensors_by_type=dict(Counter(planned.dtype_name for planned in plan)),
        fallbacks=fallbacks,
        rows_left_out=model.configuration.vocabulary_size - tokenizer.vocabulary_size,
    )


def _require_exportable(model: GPTModel, tokenizer: Tokenizer | None) -> Tokenizer:
    require_savable(model, tokenizer)
    if tokenizer is None:
        raise WeightsError(
            "the model has no tokenizer, and a GGUF file carries one. Put vocab.json and merges.txt beside its "
            "weights; for OpenAI's vocabulary, Tokenizer.gpt2().save(DIRECTORY) writes them."
        )
    return tokenizer


def _plan(model: GPTModel, tokenizer: Tokenizer, dtype_name: GGUFType) -> Iterator[_Planned]:
    """Every tensor with the dtype that it will have, in the order of the file."""
    for name in tensor_names(model.configuration):
        tensor = model.get_parameter(name.ours).detach()
        if name.ours == TOKEN_EMBEDDINGS:
            tensor = tensor[: tokenizer.vocabulary_size]
        if tensor.dim() == 1 or name.ours == POSITIONAL_EMBEDDINGS:
            yield _Planned(name, tensor, "float32")
        elif dtype_name == "q8_0" and tensor.shape[-1] % Q8_0_BLOCK:
            yield _Planned(name, tensor, "float16")
        else:
            yield _Planned(name, tensor, dtype_name)


@contextlib.contextmanager
def _writer(path: Path) -> Iterator["gguf.GGUFWriter"]:
    """A writer whose file is closed also when something goes wrong."""
    import gguf

    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    try:
        yield writer
    finally:
        writer.close()


def _write_tensors(writer: Any, plan: list[_Planned], progress: Callable[[int], None]) -> None:
    """Write the header, and behind it the tensors piece by piece."""
    import gguf
    import numpy

    types = {
        "float32": gguf.GGMLQuantizationType.F32,
        "float16": gguf.GGMLQuantizationType.F16,
        "bfloat16": gguf.GGMLQuantizationType.BF16,
        "q8_0": gguf.GGMLQuantizationType.Q8_0,
    }
    for planned in plan:
        shape, dtype_name = tuple(planned.tensor.shape), planned.dtype_name
        writer.add_tensor_info(
            planned.name.llama_cpp,
            shape,
            numpy.dtype(numpy.float32),  # overruled by raw_dtype
            size_in_bytes(shape, dtype_name),
            raw_dtype=types[dtype_name],
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    # The writer's own way to the disk, ndarray.tofile, does not say why it failed: a full disk must be told as such.
    (file,) = writer.fout
    writer.write_padding(file, file.tell())
    for planned in plan:
        rows_at_once = max(1, _ELEMENTS_AT_ONCE // math.prod(planned.tensor.shape[1:]))
        for rows in planned.tensor.split(rows_at_once):
            file.write(convert_tensor(rows, planned.dtype_name, planned.name.ours).data)
            progress(rows.numel())
        writer.write_padding(file, size_in_bytes(tuple(planned.tensor.shape), planned.dtype_name))
