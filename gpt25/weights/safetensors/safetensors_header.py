"""The header of a safetensors file, checked before a byte of the tensors is read or memory is taken for them.

Format: 8 bytes little-endian length N, N bytes of JSON {name: {"dtype", "shape", "data_offsets": [begin, end]}}, then
the tensors' bytes without holes. Source: github.com/huggingface/safetensors, README, "Format".
"""

import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any, TypeGuard

from gpt25.errors import CorruptFileError
from gpt25.storage.atomic import storage_error

LARGEST_HEADER_BYTES = 8 << 20  # a model of 1,024 layers takes 1.7 MB
_LARGEST_RANK = 8
BYTES_PER_ELEMENT = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}  # fmt: skip
DTYPE_NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}
"""What the weights of a model may be stored as, in torch's names."""


@dataclasses.dataclass(frozen=True)
class StoredTensor:
    """Where one tensor lies: `begin` and `end` are bytes from the start of the file."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def number_of_bytes(self) -> int:
        """Bytes that the tensor takes in the file."""
        return self.end - self.begin


def read_safetensors_header(path: str | Path) -> dict[str, StoredTensor]:
    """Read and check the header of a safetensors file: name -> where it lies.

    Raises StorageError when the file cannot be read, CorruptFileError when it is not a complete safetensors file. The
    tensors' bytes are not read, so that this costs the same for a file of any size.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            file_bytes = os.fstat(file.fileno()).st_size
            length = _header_length(path, file.read(8), file_bytes)
            content = file.read(length)
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    try:
        header = json.loads(content, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as problem:
        raise _damaged(path, f"its header is not JSON ({problem})") from problem
    if not isinstance(header, dict):
        raise _damaged(path, "its header is not a JSON object")
    header.pop("__metadata__", None)
    tensors = {name: _stored_tensor(path, name, entry, 8 + length) for name, entry in header.items()}
    _require_seamless(path, tensors, 8 + length, file_bytes)
    return tensors


def _damaged(path: Path, reason: str) -> CorruptFileError:
    return CorruptFileError(f"{path} is not a complete safetensors file: {reason}. Fetch or copy it again.")


def _header_length(path: Path, first_bytes: bytes, file_bytes: int) -> int:
    if len(first_bytes) < 8:
        raise _damaged(path, f"it has {file_bytes} bytes, fewer than the 8 that hold the header's length")
    length = int.from_bytes(first_bytes, "little")
    if length > file_bytes - 8:
        raise _damaged(path, f"its header claims {length:,} bytes and the file has {file_bytes:,}")
    if length > LARGEST_HEADER_BYTES:
        raise _damaged(path, f"its header claims {length:,} bytes; at most {LARGEST_HEADER_BYTES:,} are read")
    return length


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("a name stands twice")
    return unique


def _stored_tensor(path: Path, name: str, entry: Any, data_start: int) -> StoredTensor:
    """Check one entry by itself; offsets become positions in the file."""
    if not isinstance(entry, dict):
        raise _damaged(path, f"the entry of {name!r} is not an object")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in BYTES_PER_ELEMENT:
        raise _damaged(path, f"{name!r} has the unknown dtype {dtype!r}")
    if not _are_non_negative_integers(shape) or len(shape) > _LARGEST_RANK:
        raise _damaged(path, f"{name!r} has the impossible shape {shape!r}")
    if not _are_non_negative_integers(offsets) or len(offsets) != 2:
        raise _damaged(path, f"{name!r} has the impossible offsets {offsets!r}")
    begin, end = offsets
    needed = math.prod(shape) * BYTES_PER_ELEMENT[dtype]
    if end - begin != needed:
        raise _damaged(
            path, f"{name!r} of shape {shape} in {dtype} needs {needed:,} bytes, its offsets give {end - begin:,}"
        )
    return StoredTensor(path, dtype, tuple(shape), data_start + begin, data_start + end)


def _are_non_negative_integers(values: Any) -> TypeGuard[list[int]]:
    if not isinstance(values, list):
        return False
    return all(isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 for value in values)


def _require_seamless(path: Path, tensors: dict[str, StoredTensor], data_start: int, file_bytes: int) -> None:
    """The tensors follow one another without overlap or hole and end where the file ends."""
    position = data_start
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != position:
            fault = "overlaps the tensor before it" if tensor.begin < position else "leaves a hole before it"
            raise _damaged(path, f"{name!r} begins at byte {tensor.begin:,} and {fault}, which ends at {position:,}")
        position = tensor.end
    if position != file_bytes:
        raise _damaged(path, f"its tensors end at byte {position:,} and the file at {file_bytes:,}")
