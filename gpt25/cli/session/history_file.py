"""Where a session keeps what was typed, so that the arrow keys find it another day."""

import os
from pathlib import Path

from gpt25.errors import StorageError
from gpt25.storage import require_regular_file, write_bytes
from gpt25.storage.paths.path_questions import path_status
from gpt25.storage.paths.storage_error import storage_error

_MOST_BYTES = 1 << 20
_KEPT_BYTES = 1 << 19
_ENTRY = b"\n# "  # how prompt_toolkit begins an entry


def history_file() -> Path:
    """The file, which only its owner can read, in a directory that is there; kept below a megabyte.

    It lies in the state directory of the XDG Base Directory Specification: $XDG_STATE_HOME where that is an absolute
    path, else ~/.local/state. Raises StorageError where there can be no such file.
    """
    path = _state_directory() / "gpt25" / "generate_history"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_regular_file(path, advice="Remove it, and a new history begins.")
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        status = path_status(path)
        if status is not None and status.st_size > _MOST_BYTES:
            last = path.read_bytes()[-_KEPT_BYTES:]
            write_bytes(path, last[max(0, last.find(_ENTRY)) :])
            path.chmod(0o600)
    except (OSError, ValueError) as problem:
        raise storage_error(problem, path, "cannot keep a history in") from problem
    return path


def _state_directory() -> Path:
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    if named.is_absolute():
        return named
    try:
        return Path.home() / ".local" / "state"
    except RuntimeError as problem:  # neither HOME nor a line in the password file
        raise StorageError(f"there is no home directory to keep a history in: {problem}") from problem
