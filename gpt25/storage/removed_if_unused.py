"""A place that is made for work which then fails is not left behind empty."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gpt25.storage.paths.path_questions import exists


@contextlib.contextmanager
def removed_if_unused(directory: str | Path, *, lock_name: str | None = None) -> Iterator[None]:
    """Where the block raises, take away what was not there before: the directory, those above it, and its lock file.

    What holds a file besides locks of that name stays: it may be gone on with. Used around whatever makes the
    directory and works in it; an OSError in taking away is none of the caller's concerns.
    """
    directory = Path(directory)
    made = [folder for folder in (directory, *directory.parents) if not exists(folder)]
    lock = None if lock_name is None or exists(directory / lock_name) else directory / lock_name
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            if directory in made and _is_unused(directory, lock_name):
                shutil.rmtree(directory)
                for folder in made[1:]:
                    folder.rmdir()
            elif lock is not None and directory not in made:
                lock.unlink(missing_ok=True)
        raise


def _is_unused(directory: Path, lock_name: str | None) -> bool:
    return all(set(files) <= {lock_name} for _, _, files in os.walk(directory))
