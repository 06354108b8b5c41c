"""The name of what is not finished, or about to go."""

import os
import uuid
from pathlib import Path

TEMPORARY_MARK = ".gpt25-temporary-"
_LONGEST_NAME_IN_BYTES = 255  # of nearly every file system
_ADDED_BYTES = 60


def temporary_path(path: Path) -> Path:
    """A hidden sibling of `path`, so that a rename from one to the other stays on one file system."""
    name = os.fsencode(path.name)
    if len(name) + _ADDED_BYTES > _LONGEST_NAME_IN_BYTES:  # a long name must not fail for what is added to it
        name = name[: _LONGEST_NAME_IN_BYTES - _ADDED_BYTES]
    ending = f"{TEMPORARY_MARK}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    return path.with_name(f".{os.fsdecode(name)}{ending}")
