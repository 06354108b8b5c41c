"""From what the user names (files, folders, globs, the word standard-library) to a sorted list of files."""

import glob
import os
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gpt25.data.formats.file_kind import BEGINNING_BYTES, TABLES, FileKind, is_without_text, kind_of_file, require_text
from gpt25.data.formats.first_fields import first_fields
from gpt25.data.formats.reading_settings import ReadingSettings
from gpt25.data.formats.source_stream import is_compressed
from gpt25.data.sources.hub_address import NAMED_SETS, HubAddress
from gpt25.data.sources.hub_listing import HubFile, list_hub_files
from gpt25.data.sources.left_out import LeftOut, joined
from gpt25.errors import DataError, StorageError
from gpt25.storage import require_regular_file, resolved
from gpt25.storage.paths.path_questions import path_kind, path_status
from gpt25.storage.paths.storage_error import shown, storage_error

STANDARD_LIBRARY = "standard-library"
_DESCRIBING_STEMS = ("readme", "license", "licence", "citation", "changelog", "contributing", "notice")
_DESCRIBING_NAMES = ("dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json")
_NOT_LIBRARY = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"})
_MOST_NAMED = 10
_VERSION_CONTROL = frozenset({"CVS", "RCS", "SCCS", "_darcs"})  # of those whose names begin with no dot
_OWN_FOLDERS = (
    {"run.toml"},
    {"tokenizer.json", "merges.txt"},  # a tokenizer, or a model with one
    {"config.json", "model.safetensors"},
)
"""Files by which a run, a tokenizer and a model are known."""


@dataclass(frozen=True)
class SourceFile:
    """One file to read: its path, its name in messages and documents, and how its bytes become documents.

    A file on the Hub has its path in the repository; whoever reads it fetches it first.
    """

    path: Path
    name: str
    kind: FileKind
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
    """The files to read, and what the folders and globs hold besides."""

    files: tuple[SourceFile, ...]
    left_out: LeftOut


def find_source_files(
    sources: Sequence[str | Path], *, output: str | Path | None = None, settings: ReadingSettings | None = None
) -> FoundFiles:
    """All files of the sources, in the order given, each folder's and glob's files sorted; a file counts once.

    A folder is read with everything below it except hidden and version-control folders, pictures and the like, runs,
    tokenizers, models and token shards, and what describes the tables in it, such as README.md. Files on the Hub are
    listed there, and fetched only when they are read.

    output: the directory that will be written, which is no source, also where it lies in one. settings: how the texts
    will be read; without them no file is left out for its fields. Raises DataError where a source is not there or
    matches nothing, is the output, is clearly no text, or holds tables alone of which none has the field; StorageError
    for a folder that cannot be listed and for a device or a pipe, which would be waited for.
    """
    found: dict[str, SourceFile] = {}
    left_out: list[LeftOut] = []
    own = None if output is None else resolved(output)
    for source in sources:
        files, besides = _files_of(source, output=own)
        beside = {file for file in files if len(files) > 1 and _describes_a_set(file)}
        if all(file.kind not in TABLES for file in files if file not in beside):
            beside = set()
        left_out += [besides, LeftOut(beside_a_set=tuple(file.name for file in files if file in beside))]
        files = [file for file in files if file not in beside]
        if settings is not None and path_kind(Path(source)) != "file":
            fieldless = _fieldless(files, settings, source=str(source))
            left_out.append(LeftOut(without_field=tuple(file.name for file in fieldless)))
            files = [file for file in files if file not in fieldless]
        for file in files:
            if file.key not in found:
                _require_text(file, None if settings is None else settings.encoding)
                found[file.key] = file
    return FoundFiles(tuple(found.values()), joined(left_out))


def _fieldless(files: list[SourceFile], settings: ReadingSettings, *, source: str) -> list[SourceFile]:
    """Files of a folder or a glob whose rows have other fields than the wanted one; those on the Hub are not opened.

    Raises DataError where that is every file.
    """
    found: dict[SourceFile, list[str]] = {}
    for file in files:
        if file.kind in TABLES and file.hub is None:
            fields = first_fields(file.path, file.kind, settings=settings, name=file.name)
            if fields is not None and settings.field not in fields:
                found[file] = fields
    if found and len(found) == len(files):
        first, fields = next(iter(found.items()))
        names = ", ".join(map(repr, fields[:_MOST_NAMED])) or "none"
        noun = "field" if first.kind == "json_lines" else "column"
        others = "" if len(files) == 1 else f"No other file of {source} has it. "
        raise DataError(
            f"{first.name} has no {noun} {settings.field!r}; its {noun}s: {names}. {others}Choose one with --field."
        )
    return list(found)


def _describes_a_set(file: SourceFile) -> bool:
    name = file.path.name.lower()
    return name in _DESCRIBING_NAMES or (file.kind == "text" and name.split(".")[0] in _DESCRIBING_STEMS)


def _require_text(file: SourceFile, encoding: str | None) -> None:
    """Raise DataError for a file that its first bytes show to be no text, before any other is read."""
    if file.hub is not None or file.kind not in ("text", "page", "csv", "tsv") or is_compressed(file.path):
        return
    try:
        with open(file.path, "rb") as stream:
            beginning = stream.read(BEGINNING_BYTES)
    except OSError as problem:
        raise storage_error(problem, file.path, "cannot read") from problem
    require_text(beginning, name=file.name, encoding=encoding)


def _files_of(source: str | Path, *, output: Path | None) -> tuple[list[SourceFile], LeftOut]:
    path = Path(source)
    if str(source).startswith("hf://"):  # before Path, which makes one slash of two
        return _hub_files(str(source)), LeftOut()
    kind = path_kind(path)
    if kind in ("file", "special"):
        return [_source_file(path)], LeftOut()
    if kind == "directory":
        _require_no_output(path, output, source)
        below = _names_below(path, output=output)
        return _texts_of([path / name for name in below.names], below.left_out, nothing=f"the folder {path} holds")
    if str(source) == STANDARD_LIBRARY:
        return standard_library_files(), LeftOut()
    if str(source) in NAMED_SETS:
        return _hub_files(str(source)), LeftOut()
    if any(mark in str(source) for mark in "*?["):
        matches = [Path(match) for match in sorted(glob.glob(str(source), recursive=True))]
        files = [match for match in matches if path_kind(match) in ("file", "special")]
        own = [] if output is None else [file for file in files if resolved(file).is_relative_to(output)]
        left_out = LeftOut(of_runs=(str(output),) if own else ())
        if not files:
            raise DataError(f"no file matches {source}")
        return _texts_of([file for file in files if file not in own], left_out, nothing=f"{source} matches")
    raise DataError(
        f"there is no file or folder {source}; name a text file, a folder, a glob, JSON lines (.jsonl, also .gz or "
        f".zst), CSV, Parquet files, an address hf://datasets/OWNER/NAME/PATH, or {', '.join(NAMED_SETS)} or "
        f"{STANDARD_LIBRARY}"
    )


def _require_no_output(folder: Path, output: Path | None, source: str | Path) -> None:
    if output is not None and output == resolved(folder):
        raise DataError(
            f"{source} is both the source and the output: what is written there would be read as text the next time. "
            "Choose another output directory."
        )


def _texts_of(paths: list[Path], left_out: LeftOut, *, nothing: str) -> tuple[list[SourceFile], LeftOut]:
    """The files of a folder or a glob; those whose names say that they hold no text are left out."""
    without = tuple(str(path) for path in paths if is_without_text(path))
    left_out = replace(left_out, without_text=without)
    files = [_source_file(path) for path in paths if not is_without_text(path)]
    if not files:
        raise DataError("; ".join([f"{nothing} no files to read", *left_out.in_words()]))
    return files, left_out


def _hub_files(address_or_name: str) -> list[SourceFile]:
    address = HubAddress.parse(address_or_name)
    assert address is not None
    return [_source_file(Path(file.path), file) for file in list_hub_files(address)]


def _source_file(path: Path, hub: HubFile | None = None) -> SourceFile:
    name = shown(path) if hub is None else hub.name
    if hub is None:
        require_regular_file(
            path, advice="Texts are read more than once: write them into a file, or take this out of the folder."
        )
    return SourceFile(path=path, name=name, kind=kind_of_file(path, name=name), hub=hub)


@dataclass(frozen=True)
class _Below:
    names: tuple[Path, ...]
    left_out: LeftOut


def _names_below(root: Path, *, without: frozenset[str] = frozenset(), output: Path | None = None) -> _Below:
    """Relative names of all files below `root`, sorted by their parts, less what is hidden or ours or `without`."""
    names: list[Path] = []
    hidden, hidden_in, own = 0, [], []

    def refuse(problem: OSError) -> None:
        raise storage_error(problem, problem.filename or root, "cannot list") from problem

    for folder, folders, files in os.walk(root, onerror=refuse):
        here, relative = Path(folder), Path(folder).relative_to(root)
        if here != root and (_is_own(files) or (output is not None and resolved(here) == output)):
            own.append(str(here))
            folders.clear()
            continue
        for name in folders:
            if _is_hidden(name):
                hidden += sum(len(each) for _, _, each in os.walk(here / name))
                hidden_in.append(str(here / name))
        folders[:] = [name for name in folders if not _is_hidden(name) and name not in without]
        names += [relative / name for name in files if not name.startswith(".")]
        dotted = [str(here / name) for name in files if name.startswith(".")]
        hidden += len(dotted)
        hidden_in += dotted
    left_out = LeftOut(hidden=hidden, hidden_in=tuple(sorted(hidden_in)), of_runs=tuple(sorted(own)))
    return _Below(tuple(sorted(names, key=lambda name: name.parts)), left_out)


def _is_own(files: list[str]) -> bool:
    """Whether files in a folder say that it is no folder of texts: a run, a tokenizer, a model, or token shards."""
    known = any(marks <= set(files) for marks in _OWN_FOLDERS)
    return known or ("index.json" in files and any(name.endswith(".bin") for name in files))


def _is_hidden(folder: str) -> bool:
    return folder.startswith(".") or folder in _VERSION_CONTROL


def standard_library_files(root: str | Path | None = None) -> list[SourceFile]:
    """The Python sources of the standard library below `root` (this interpreter's by default), without its tests."""
    folder = Path(root if root is not None else sysconfig.get_paths()["stdlib"])
    files = [
        SourceFile(path=folder / name, name=name.as_posix(), kind="python")
        for name in _names_below(folder, without=_NOT_LIBRARY).names
        if name.suffix == ".py"
    ]
    if not files:
        raise DataError(f"there is no Python standard library in {folder}")
    return files
