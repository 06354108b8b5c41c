"""A directory's manifest: size and SHA-256 of every file, written last. Without it the directory is not complete."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gpt25.errors import CorruptFileError, StorageError
from gpt25.storage.atomic import write_json
from gpt25.storage.hashes import sha256_of_file
from gpt25.storage.paths.path_questions import is_file, lies_within
from gpt25.storage.reading.field_types import Count, Sha256
from gpt25.storage.reading.json_files import read_object
from gpt25.storage.reading.json_values import short
from gpt25.storage.reading.record import record_from

MANIFEST_NAME = "MANIFEST.json"
_VERSION = 1


@dataclass(frozen=True)
class _File:
    bytes: Count
    sha256: Sha256


@dataclass(frozen=True)
class _Manifest:
    version: Count
    number_of_files: Count
    files: dict[str, _File]


def write_manifest(directory: str | Path) -> None:
    """Record every file below `directory` in MANIFEST.json; raises StorageError for a link that leads out of it."""
    directory = Path(directory)
    files = {}
    for path in sorted(directory.rglob("*")):
        if not path.is_file() or path == directory / MANIFEST_NAME:
            continue
        if not _lies_within(directory, path):
            raise StorageError(f"{path} is a link that leads out of {directory}. Copy the file there instead.")
        files[path.relative_to(directory).as_posix()] = {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
    write_json(directory / MANIFEST_NAME, {"version": _VERSION, "number_of_files": len(files), "files": files})


def verify_manifest(directory: str | Path) -> None:
    """Raise CorruptFileError naming the first file that is missing, of another size or of another hash.

    Files that the manifest does not list are nobody's business. A name that leads out of `directory` is refused
    before anything is opened.
    """
    directory = Path(directory)
    manifest_path = directory / MANIFEST_NAME
    if not is_file(manifest_path):
        raise CorruptFileError(f"{directory} has no {MANIFEST_NAME}: it was never completed")
    content = read_object(manifest_path)
    if content.get("version") != _VERSION:
        raise CorruptFileError(
            f"{manifest_path} has version {short(content.get('version'))}; this gpt25 reads version {_VERSION}"
        )
    manifest = record_from(content, _Manifest, where=str(manifest_path), more_keys="refused")
    # One flipped bit can make two names equal, and JSON keeps only the second of two equal keys.
    if manifest.number_of_files != len(manifest.files):
        raise CorruptFileError(
            f"{manifest_path} lists {len(manifest.files):,} files and says there are {manifest.number_of_files}"
        )
    for name, expected in manifest.files.items():
        _verify_file(directory, name, expected)


def _verify_file(directory: Path, name: str, expected: _File) -> None:
    """Compare one file with its entry in the manifest."""
    path = directory / name
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not _lies_within(directory, path):
        raise CorruptFileError(f"{directory / MANIFEST_NAME} lists {name!r}, which is not a file inside {directory}")
    if not os.path.isfile(path):  # unlike Path.is_file, also for a name too long to exist
        raise CorruptFileError(f"{path} is missing, although {MANIFEST_NAME} lists it")
    size = path.stat().st_size
    if size != expected.bytes:
        raise CorruptFileError(f"{path} has {size:,} bytes, {MANIFEST_NAME} says {expected.bytes:,}")
    digest = sha256_of_file(path)
    if digest != expected.sha256:
        raise CorruptFileError(f"{path} has SHA-256 {digest}, {MANIFEST_NAME} says {expected.sha256}")


def _lies_within(directory: Path, path: Path) -> bool:
    """Whether a path, links followed, still lies inside the directory; a name that no path can have does not."""
    try:
        return lies_within(directory, path)
    except StorageError:
        return False
