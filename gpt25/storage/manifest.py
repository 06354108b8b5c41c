"""A directory's manifest: size and SHA-256 of every file, written last. Without it the directory is not complete."""

from pathlib import Path

from gpt25.errors import CorruptFileError
from gpt25.storage.atomic import write_json
from gpt25.storage.hashes import sha256_of_file
from gpt25.storage.json_lines import read_json

MANIFEST_NAME = "MANIFEST.json"


def write_manifest(directory: str | Path) -> None:
    """Record every file below `directory` in MANIFEST.json."""
    directory = Path(directory)
    files = {
        str(path.relative_to(directory)): {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != MANIFEST_NAME
    }
    write_json(directory / MANIFEST_NAME, {"version": 1, "files": files})


def verify_manifest(directory: str | Path) -> None:
    """Raise CorruptFileError naming the first file that is missing, of another size or of another hash."""
    directory = Path(directory)
    manifest_path = directory / MANIFEST_NAME
    if not manifest_path.is_file():
        raise CorruptFileError(f"{directory} has no {MANIFEST_NAME}: it was never completed")
    manifest = read_json(manifest_path)
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict):
        raise CorruptFileError(f"{manifest_path} lists no files")
    for name, expected in files.items():
        path = directory / name
        if not path.is_file():
            raise CorruptFileError(f"{path} is missing, although {MANIFEST_NAME} lists it")
        size = path.stat().st_size
        if size != expected["bytes"]:
            raise CorruptFileError(f"{path} has {size:,} bytes, {MANIFEST_NAME} says {expected['bytes']:,}")
        digest = sha256_of_file(path)
        if digest != expected["sha256"]:
            raise CorruptFileError(f"{path} has SHA-256 {digest}, {MANIFEST_NAME} says {expected['sha256']}")
