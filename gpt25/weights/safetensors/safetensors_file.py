"""Tensors to a safetensors file, one at a time, so that writing does not need the memory of all of them twice."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from gpt25.storage.atomic import storage_error
from gpt25.weights.safetensors.safetensors_header import DTYPE_NAMES

STORED_DTYPES: dict[str, torch.dtype] = {stored: getattr(torch, name) for stored, name in DTYPE_NAMES.items()}
"""What weights may be stored as."""

DTYPES = {stored: dtype for stored, dtype in STORED_DTYPES.items() if dtype is not torch.float64}
"""What they are loaded and written as."""

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
    transposed_names = frozenset(transposed)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        shape = list(tensor.shape)[::-1] if name in transposed_names else list(tensor.shape)
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
                stored = tensor.detach().t() if name in transposed_names else tensor.detach()
                file.write(_bytes_of(stored.to("cpu").contiguous()))
    except OSError as problem:
        raise storage_error(problem, path, "cannot write") from problem
