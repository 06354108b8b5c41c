"""All bytes of a small file, and never more than it may have: a sparse file of 30 GB costs nothing to make."""

import os
from pathlib import Path

from gpt25.errors import CorruptFileError
from gpt25.storage.paths.path_questions import require_regular_file
from gpt25.storage.paths.storage_error import storage_error

LARGEST_METADATA_BYTES = 64 << 20
"""The largest tokenizer.json of public models has 33 MB; of JSON's shortest values 64 MiB become about 2 GB in memory.

What is read a line at a time (metrics, samples) may have more: `json_lines.LARGEST_ROWS_BYTES`.
"""

_PIECE_BYTES = 1 << 20


def read_bounded(path: str | Path, *, largest_bytes: int = LARGEST_METADATA_BYTES) -> bytes:
    """The content of a file; raises StorageError when unreadable, CorruptFileError when larger than may be.

    A file that is too large is refused before anything is read, and so is a device or a pipe, which might never end.
    """
    path = Path(path)
    require_regular_file(path, advice="Write what it gives into a file.")
    pieces: list[bytes] = []
    total = 0
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            while size <= largest_bytes and (piece := file.read(_PIECE_BYTES)):
                pieces.append(piece)
                total += len(piece)
                size = max(size, total)
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    if size > largest_bytes:
        raise CorruptFileError(f"{path} has {size:,} bytes or more; at most {largest_bytes:,} are read of such a file.")
    return b"".join(pieces)
