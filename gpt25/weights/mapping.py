"""Stored tensors as a private map of their file: nothing is copied before it is written to."""

import contextlib
import mmap
import os
from pathlib import Path

import torch
from torch import Tensor

from gpt25.errors import CorruptFileError
from gpt25.storage.atomic import storage_error
from gpt25.weights.safetensors_file import DTYPES
from gpt25.weights.safetensors_header import StoredTensor

# Linux 5.14 and later, madvise(2): map the pages that the file already has in memory in one call, for reading only.
# mmap's own MAP_POPULATE would write to a private map's pages, and so copy all of them.
_MADV_POPULATE_READ = 22


class FileMap:
    """The tensors of safetensors files, each file mapped once.

    The maps are private copies on write: a parameter that is written to takes memory of its own, page by page, and the
    file never changes. A map outlives the name of its file, so a model directory that is replaced as a whole, as
    `save_pretrained` does it, leaves the models that were loaded from it as they were. A file that another program
    writes into or cuts short in place takes a mapped model with it, as it does for every reader that maps.
    """

    def __init__(self) -> None:
        self._maps: dict[Path, mmap.mmap] = {}

    def tensor(self, stored: StoredTensor) -> Tensor | None:
        """The tensor in the shape and dtype in which it is stored; None where its bytes are not aligned for its dtype.

        Its header must have been read and checked. Raises StorageError for a file that cannot be mapped, and
        CorruptFileError for one that has become shorter since.
        """
        dtype = DTYPES[stored.dtype]
        if stored.begin % dtype.itemsize or not stored.number_of_bytes:
            return None
        if stored.path not in self._maps:
            self._maps[stored.path] = _private_map(stored.path)
        whole = self._maps[stored.path]
        if stored.end > len(whole):
            raise CorruptFileError(f"{stored.path} became shorter while it was read. Fetch or copy it again.")
        numbers = stored.number_of_bytes // dtype.itemsize
        return torch.frombuffer(whole, dtype=dtype, count=numbers, offset=stored.begin).view(stored.shape)


def _private_map(path: Path) -> mmap.mmap:
    try:
        with open(path, "rb") as file:
            length = os.fstat(file.fileno()).st_size
            if not length:
                raise CorruptFileError(f"{path} became empty while it was read. Fetch or copy it again.")
            whole = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_COPY)
    except OSError as problem:
        raise storage_error(problem, path, "cannot map") from problem
    if hasattr(whole, "madvise"):
        with contextlib.suppress(OSError):  # an older kernel: the pages come one fault after the other
            whole.madvise(_MADV_POPULATE_READ)
    return whole
