"""SHA-256 of bytes and of files of any size in constant memory."""

import hashlib
from pathlib import Path

from gpt25.storage.atomic import storage_error


def sha256_of_bytes(content: bytes) -> str:
    """Hexadecimal SHA-256, 64 characters: sha256_of_bytes(b"") -> "e3b0c442…b855"."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's content; raises StorageError when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise storage_error(problem, Path(path), "cannot read") from problem
