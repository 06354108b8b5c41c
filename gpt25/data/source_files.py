"""From what the user names (files, folders, globs, the word standard-library) to a sorted list of files."""

import glob
import os
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gpt25.data.opening import is_compressed
from gpt25.errors import DataError
from gpt25.storage.atomic import storage_error

STANDARD_LIBRARY = "standard-library"
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_UNREADABLE = (".parquet", ".arrow", ".bin", ".npy", ".zip", ".tar", ".7z", ".bz2", ".xz")
_NOT_LIBRARY = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"})


@dataclass(frozen=True)
class SourceFile:
    """One file to read: its path, its name in messages and documents, and how its bytes become documents."""

    path: Path
    name: str
    kind: Literal["text", "json_lines", "python"]

    @property
    def identity(self) -> tuple[str, int, int]:
        """(absolute path, bytes, modification time in nanoseconds): equal as long as nobody touched the file."""
        try:
            status = self.path.stat()
        except OSError as problem:
            raise storage_error(problem, self.path, "cannot read") from problem
        return str(self.path.resolve()), status.st_size, status.st_mtime_ns


def find_source_files(sources: Sequence[str | Path]) -> list[SourceFile]:
    """All files of the sources, in the order given, each folder's and glob's files sorted; a file counts once.

    A folder is read with everything below it except names that begin with a dot. Raises DataError where a source
    is not there or matches nothing.
    """
    found: dict[Path, SourceFile] = {}
    for source in sources:
        for file in _files_of(source):
            found.setdefault(file.path.resolve(), file)
    return list(found.values())


def _files_of(source: str | Path) -> list[SourceFile]:
    path = Path(source)
    if path.is_file():
        return [_source_file(path)]
    if path.is_dir():
        files = [_source_file(path / name) for name in _names_below(path)]
        if not files:
            raise DataError(f"the folder {path} holds no files to read")
        return files
    if str(source) == STANDARD_LIBRARY:
        return standard_library_files()
    if any(mark in str(source) for mark in "*?["):
        matches = sorted(Path(match) for match in glob.glob(str(source), recursive=True))
        files = [_source_file(match) for match in matches if match.is_file()]
        if not files:
            raise DataError(f"no file matches {source}")
        return files
    raise DataError(
        f"there is no file or folder {source}; name a text file, a folder, a glob, JSON lines (.jsonl, also .gz or "
        f".zst), or {STANDARD_LIBRARY}"
    )


def _source_file(path: Path) -> SourceFile:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if is_compressed(path):
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    if last in _UNREADABLE:
        raise DataError(f"{path}: {last} files cannot be read; give text or JSON lines (.jsonl, also .gz or .zst)")
    return SourceFile(path=path, name=str(path), kind="json_lines" if last in _JSON_LINES else "text")


def _names_below(root: Path, *, without: frozenset[str] = frozenset()) -> Iterator[str]:
    """Relative names of all files below `root`, sorted by their parts, less hidden names and folders in `without`."""
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in without]
        relative = Path(folder).relative_to(root)
        names += [relative / name for name in files if not name.startswith(".")]
    return (str(name) for name in sorted(names, key=lambda name: name.parts))


def standard_library_files(root: str | Path | None = None) -> list[SourceFile]:
    """The Python sources of the standard library below `root` (this interpreter's by default), without its tests."""
    folder = Path(root if root is not None else sysconfig.get_paths()["stdlib"])
    files = [
        SourceFile(path=folder / name, name=Path(name).as_posix(), kind="python")
        for name in _names_below(folder, without=_NOT_LIBRARY)
        if name.endswith(".py")
    ]
    if not files:
        raise DataError(f"there is no Python standard library in {folder}")
    return files
