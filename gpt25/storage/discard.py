"""Deleting a directory so that no half of it is ever taken for the whole."""

import contextlib
import os
import shutil
from pathlib import Path

from gpt25.storage.paths.temporary_path import temporary_path


def discard(path: str | Path) -> None:
    """Delete a directory, or a link to one, where the disk lets us.

    It first takes a name that `remove_leftovers` knows: a process that dies in between leaves nothing else behind.
    """
    path = Path(path)
    if not os.path.lexists(path):
        return
    aside = temporary_path(path)
    with contextlib.suppress(OSError):
        os.rename(path, aside)
        if aside.is_symlink():
            aside.unlink()
        else:
            shutil.rmtree(aside)
