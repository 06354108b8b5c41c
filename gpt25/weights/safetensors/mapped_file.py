"""A safetensors file as memory of this process, without reading it into memory first."""

import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt25.errors import CorruptFileError
from gpt25.storage.atomic import storage_error
from gpt25.weights.safetensors.safetensors_header import StoredTensor

if TYPE_CHECKING:
    from torch import Tensor

_ARRAY_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<i2"),
    "F64": np.dtype("<f8"),
}


class MappedFile:
    """Tensors whose memory is the file's own pages, private to this process and copied only where it writes to them.

    What is written to such a tensor never reaches the file. A file that is deleted or replaced, as every writer of this
    package does it, stays whole for those who have mapped it; one that another program cuts short where it lies is
    found out when a tensor is asked for, and after that ends the process when a lost page is read: no system tells a
    process of that otherwise, and copying would cost every load the memory and the time that maps save. Load onto
    another device or in another dtype to copy.
    """

    def __init__(self, path: str | Path) -> None:
        """Map the whole file; raises StorageError when it cannot be opened."""
        self.path = Path(path)
        try:
            with open(self.path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except (OSError, ValueError) as problem:  # ValueError: an empty file
            raise storage_error(problem, self.path, "cannot map") from problem

    def array(self, stored: StoredTensor) -> np.ndarray:
        """The tensor in the shape in which it is stored; raises CorruptFileError for a file cut short.

        NumPy has no bfloat16: of such a tensor these are the bits, as int16. The array keeps the map alive. Where its
        numbers do not lie on multiples of their size, which old files allow, it is an aligned copy: not every
        processor's instructions take the others.
        """
        if min(len(self._map), self._map.size()) < stored.end:  # as mapped, and as the file is now
            raise CorruptFileError(f"{self.path} became shorter while it was read. Fetch or copy it again.")
        dtype = _ARRAY_DTYPES[stored.dtype]
        flat = np.frombuffer(self._map, dtype, stored.number_of_bytes // dtype.itemsize, stored.begin)
        if stored.begin % dtype.itemsize:
            flat = flat.copy()
            self.release(stored)
        return flat.reshape(stored.shape)

    def tensor(self, stored: StoredTensor) -> "Tensor":
        """The same as a tensor of torch over the same memory, in the dtype in which it is stored."""
        import torch

        tensor = torch.from_numpy(self.array(stored))
        return tensor.view(torch.bfloat16) if stored.dtype == "BF16" else tensor

    def release(self, stored: StoredTensor) -> None:
        """Let go of the pages of a tensor that has been copied, so that it does not stand in memory twice."""
        if not hasattr(self._map, "madvise") or not hasattr(mmap, "MADV_DONTNEED"):
            return
        first = -(-stored.begin // mmap.PAGESIZE) * mmap.PAGESIZE  # whole pages only: its neighbours stay
        last = stored.end // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            self._map.madvise(mmap.MADV_DONTNEED, first, last - first)


def can_stay_mapped() -> bool:
    """Whether this system lets a file be deleted or replaced while it is mapped; Windows does not."""
    return os.name == "posix"
