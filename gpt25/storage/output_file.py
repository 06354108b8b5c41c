"""A file that a command is about to make: whether it may be, before any long work begins."""

import os
from pathlib import Path

from gpt25.errors import StorageError
from gpt25.storage.atomic import require_writable_directory


def require_output_file(path: str | Path, *, overwrite: bool = False) -> None:
    """Prove that a file can be written at `path` and takes the place of no other; its directory is made if need be.

    overwrite: let a file that is already there be replaced. Raises StorageError.
    """
    path = Path(path)
    if path.is_dir():
        raise StorageError(f"{path} is a directory; name a file in it.")
    if not overwrite and os.path.lexists(path):
        raise StorageError(f"{path} is already there. Choose another name, or add --overwrite to replace it.")
    require_writable_directory(path.parent)
