"""From what the user names (files, folders, globs, the word standard-library) to a sorted list of files."""

import glob
import os
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gpt25.data.sources.hub_address import NAMED_SETS, HubAddress
from gpt25.data.sources.hub_listing import HubFile, list_hub_files
from gpt25.data.sources.source_stream import is_compressed
from gpt25.errors import DataError, StorageError
from gpt25.storage import require_regular_file, resolved
from gpt25.storage.paths.path_questions import path_kind, path_status
from gpt25.storage.paths.storage_error import storage_error

STANDARD_LIBRARY = "standard-library"
_PARQUET = ".parquet"
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_TABLES = ("parquet", "json_lines")
_DESCRIBING_STEMS = ("readme", "license", "licence", "citation", "changelog", "contributing", "notice")
_DESCRIBING_NAMES = ("dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json")
_UNREADABLE = (".arrow", ".bin", ".npy", ".zip", ".tar", ".7z", ".bz2", ".xz")
_NOT_LIBRARY = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"})


@dataclass(frozen=True)
class SourceFile:
    """One file to read: its path, its name in messages and documents, and how its bytes become documents.

    A file on the Hub has its path in the repository; whoever reads it fetches it first.
    """

    path: Path
    name: str
    kind: Literal["text", "json_lines", "parquet", "python"]
    hub: HubFile | None = None

    @property
    def identity(self) -> tuple[str, int, int | str]:
        """(absolute path, bytes, modification time in nanoseconds): equal as long as nobody touched the file.

        Of a file on the Hub: (address, bytes, the hash that Git knows it by).
        """
        if self.hub is not None:
            return self.hub.name, self.hub.size, self.hub.blob
        status = self._status()
        return str(resolved(self.path)), status.st_size, status.st_mtime_ns

    @property
    def size(self) -> int:
        """Bytes of the file as it lies there, compressed or not."""
        return self.hub.size if self.hub is not None else self._status().st_size

    @property
    def key(self) -> str:
        """What makes it the same file as another."""
        return self.hub.name if self.hub is not None else str(resolved(self.path))

    def _status(self) -> os.stat_result:
        status = path_status(self.path)
        if status is None:
            raise StorageError(f"cannot read {self.path}: it is no longer there")
        return status


@dataclass(frozen=True)
class FoundFiles:
    """The files to read, and the names of those that lie beside a set and are no part of it."""

    files: tuple[SourceFile, ...]
    left_out: tuple[str, ...]


def find_source_files(sources: Sequence[str | Path]) -> FoundFiles:
    """All files of the sources, in the order given, each folder's and glob's files sorted; a file counts once.

    A folder is read with everything below it except names that begin with a dot, and except what describes the Parquet
    or JSON lines in it, such as README.md. Files on the Hub are listed there, and fetched only when they are read.
    Raises DataError where a source is not there or matches nothing, StorageError for a folder that cannot be listed and
    for a device or a pipe, which would be waited for.
    """
    found: dict[str, SourceFile] = {}
    left_out: list[str] = []
    for source in sources:
        files = _files_of(source)
        beside = {file for file in files if len(files) > 1 and _describes_a_set(file)}
        if all(file.kind not in _TABLES for file in files if file not in beside):
            beside = set()
        for file in files:
            if file in beside:
                left_out.append(file.name)
            else:
                found.setdefault(file.key, file)
    return FoundFiles(tuple(found.values()), tuple(dict.fromkeys(left_out)))


def _describes_a_set(file: SourceFile) -> bool:
    name = file.path.name.lower()
    return name in _DESCRIBING_NAMES or (file.kind == "text" and name.split(".")[0] in _DESCRIBING_STEMS)


def _files_of(source: str | Path) -> list[SourceFile]:
    path = Path(source)
    if str(source).startswith("hf://"):  # before Path, which makes one slash of two
        return _hub_files(str(source))
    kind = path_kind(path)
    if kind in ("file", "special"):
        return [_source_file(path)]
    if kind == "directory":
        files = [_source_file(path / name) for name in _names_below(path)]
        if not files:
            raise DataError(f"the folder {path} holds no files to read")
        return files
    if str(source) == STANDARD_LIBRARY:
        return standard_library_files()
    if str(source) in NAMED_SETS:
        return _hub_files(str(source))
    if any(mark in str(source) for mark in "*?["):
        matches = sorted(Path(match) for match in glob.glob(str(source), recursive=True))
        files = [_source_file(match) for match in matches if path_kind(match) in ("file", "special")]
        if not files:
            raise DataError(f"no file matches {source}")
        return files
    raise DataError(
        f"there is no file or folder {source}; name a text file, a folder, a glob, JSON lines (.jsonl, also .gz or "
        f".zst), Parquet files, an address hf://datasets/OWNER/NAME/PATH, or {', '.join(NAMED_SETS)} or "
        f"{STANDARD_LIBRARY}"
    )


def _hub_files(address_or_name: str) -> list[SourceFile]:
    address = HubAddress.parse(address_or_name)
    assert address is not None
    return [_source_file(Path(file.path), file) for file in list_hub_files(address)]


def _source_file(path: Path, hub: HubFile | None = None) -> SourceFile:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if is_compressed(path):
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    name = str(path) if hub is None else hub.name
    if hub is None:
        require_regular_file(
            path, advice="Texts are read more than once: write them into a file, or take this out of the folder."
        )
    if last in _UNREADABLE or (last == _PARQUET and is_compressed(path)):
        raise DataError(
            f"{name}: {last} files cannot be read; give text, JSON lines (.jsonl, also .gz or .zst) or Parquet"
        )
    if last == _PARQUET:
        return SourceFile(path=path, name=name, kind="parquet", hub=hub)
    return SourceFile(path=path, name=name, kind="json_lines" if last in _JSON_LINES else "text", hub=hub)


def _names_below(root: Path, *, without: frozenset[str] = frozenset()) -> Iterator[str]:
    """Relative names of all files below `root`, sorted by their parts, less hidden names and folders in `without`."""
    names = []

    def refuse(problem: OSError) -> None:
        raise storage_error(problem, problem.filename or root, "cannot list") from problem

    for folder, folders, files in os.walk(root, onerror=refuse):
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
