"""A safetensors file as memory of this process, without reading it into memory first."""

import mmap
import os
from pathlib import Path

import torch
from torch import Tensor

from gpt25.errors import CorruptFileError
from gpt25.storage.atomic import storage_error
from gpt25.weights.safetensors.safetensors_file import STORED_DTYPES
from gpt25.weights.safetensors.safetensors_header import StoredTensor


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

    def tensor(self, stored: StoredTensor) -> Tensor:
        """The tensor in the shape and dtype in which it is stored; raises CorruptFileError for a file cut short.

        It keeps the map alive. Where its numbers do not lie on multiples of their size, which old files allow, it is an
        aligned copy: not every processor's instructions take the others.
        """
        if min(len(self._map), self._map.size()) < stored.end:  # as mapped, and as the file is now
            raise CorruptFileError(f"{self.path} became shorter while it was read. Fetch or copy it again.")
        dtype = STORED_DTYPES[stored.dtype]
        if stored.begin % dtype.itemsize == 0:
            count = stored.number_of_bytes // dtype.itemsize
            flat = torch.frombuffer(self._map, dtype=dtype, count=count, offset=stored.begin)
            return flat.view(stored.shape)
        content = torch.frombuffer(self._map, dtype=torch.uint8, count=stored.number_of_bytes, offset=stored.begin)
        aligned = torch.empty(stored.number_of_bytes, dtype=torch.uint8).copy_(content).view(dtype).view(stored.shape)
        self.release(stored)
        return aligned

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
