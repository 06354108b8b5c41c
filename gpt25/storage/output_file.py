"""A file that a command is about to make: whether it may be, before any long work begins."""

import os
from pathlib import Path
from typing import Literal

from gpt25.errors import StorageError
from gpt25.storage.atomic import require_writable_directory
from gpt25.storage.paths.path_questions import is_directory, what_is
from gpt25.storage.paths.special_file import is_special, require_writable_special
from gpt25.storage.paths.storage_error import shown


def require_output_file(
    path: str | Path, *, overwrite: bool = False, special: Literal["written into", "refused"] = "refused"
) -> None:
    """Prove that a file can be written at `path` and takes the place of no other; its directory is made if need be.

    overwrite: let a file that is already there be replaced. special: whether a device or a pipe may stand there and is
    written into, as `write_bytes` does. Raises StorageError.
    """
    path = Path(path)
    if is_directory(path):
        raise StorageError(f"{path} is a directory; name a file in it.")
    if is_special(path):
        if special == "refused":
            raise StorageError(f"{shown(path)} is {what_is(path)} and is not replaced by a file. Name a regular file.")
        require_writable_special(path)
        return
    if not overwrite and os.path.lexists(path):
        raise StorageError(f"{path} is already there. Choose another name, or add --overwrite to replace it.")
    require_writable_directory(path.parent)
