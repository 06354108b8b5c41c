"""Tensors to and from safetensors files one at a time, so that neither way needs the memory of all of them twice."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from gpt25.errors import CorruptFileError
from gpt25.storage.atomic import storage_error
from gpt25.weights.safetensors_header import StoredTensor

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def _bytes_of(tensor: Tensor) -> memoryview:
    """The memory of a contiguous CPU tensor, writable, without a copy."""
    return tensor.view(-1).view(torch.uint8).numpy().data


def write_safetensors(path: str | Path, tensors: Mapping[str, Tensor], *, transposed: Iterable[str] = ()) -> None:
    """Write tensors in the mapping's order, those named in `transposed` as their transposes.

    One tensor at a time is copied to the processor's memory. The file is not written atomically: call this inside an
    atomic_directory. Raises StorageError or DiskFullError. Float32, float16 and bfloat16 only.
    """
    path = Path(path)
    turned = frozenset(transposed)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        shape = list(tensor.shape)[::-1] if name in turned else list(tensor.shape)
        header[name] = {
            "dtype": _DTYPE_NAMES[tensor.dtype],
            "shape": shape,
            "data_offsets": [position, position + size],
        }
        position += size
    content = json.dumps(header, separators=(",", ":")).encode("utf-8")
    content += b" " * (-len(content) % 8)  # so that the tensors' bytes are aligned for readers that map the file
    try:
        with open(path, "wb") as file:
            file.write(len(content).to_bytes(8, "little") + content)
            for name, tensor in tensors.items():
                stored = tensor.detach().t() if name in turned else tensor.detach()
                file.write(_bytes_of(stored.to("cpu").contiguous()))
    except OSError as problem:
        raise storage_error(problem, path, "cannot write") from problem


def read_tensor(stored: StoredTensor, *, room: Tensor | None = None) -> Tensor:
    """Read one tensor, in the shape and dtype in which it is stored.

    room: bytes (uint8) to read into, for a tensor that is about to be copied elsewhere; None takes fresh memory.

    Read, not memory-mapped: mapped pages would count as memory beside the tensors they are copied into, and a file that
    another program cuts short would kill this process instead of raising CorruptFileError.
    """
    if room is None:
        room = torch.empty(stored.number_of_bytes, dtype=torch.uint8)
    tensor = room[: stored.number_of_bytes].view(DTYPES[stored.dtype]).view(stored.shape)
    try:
        with open(stored.path, "rb") as file:
            file.seek(stored.begin)
            complete = file.readinto(_bytes_of(tensor)) == stored.number_of_bytes
    except OSError as problem:
        raise storage_error(problem, stored.path, "cannot read") from problem
    if not complete:
        raise CorruptFileError(f"{stored.path} became shorter while it was read. Fetch or copy it again.")
    return tensor
