"""A stretch of the sources that is read in one go: what a resumed preparation has done or does again."""

import gzip
import hashlib
import io
import json
import tokenize
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt25.data.sources.document import Document
from gpt25.data.sources.hub_listing import HubFile
from gpt25.data.sources.opening import is_compressed, open_source, stream_position
from gpt25.data.sources.parquet_rows import parquet_texts
from gpt25.data.sources.part import Part
from gpt25.data.sources.source_files import SourceFile
from gpt25.data.sources.text_policy import BYTE_ORDER_MARK, DocumentCounts, InvalidUtf8, TextPolicy
from gpt25.errors import DataError
from gpt25.storage.atomic import storage_error

_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True)
class PlacedFile:
    """A file and the byte at which it begins when all sources stand one after the other, `total` bytes long."""

    file: SourceFile
    first_byte: int
    total: int
    part: Part

    def owns(self, offset: int) -> bool:
        """Whether what begins at a byte of this file is in the part that is being prepared."""
        return self.part.count == 1 or self.part.owns(self.first_byte + offset, self.total)

    @property
    def has_grains(self) -> bool:
        """Whether parts can share the file: row groups or lines that lie there as they are."""
        return self.file.kind == "parquet" or (self.file.kind == "json_lines" and not is_compressed(self.file.path))

    @property
    def owned_bytes(self) -> int:
        """About how many bytes of it are in the part: all or nothing of a file that cannot be shared."""
        size = self.file.size
        if not self.has_grains:
            return size if self.owns(0) else 0
        begin = (self.part.number - 1) * self.total // self.part.count - self.first_byte
        end = self.part.number * self.total // self.part.count - self.first_byte
        return max(0, min(end, size) - max(begin, 0))


class Segment:
    """The documents of some files, in order; memory holds one document. `counts` tells of the last reading.

    `key` changes with any file's name, size or time, and with every setting that decides the documents.
    """

    def __init__(self, files: Iterable[PlacedFile], *, field: str, invalid_utf8: InvalidUtf8) -> None:
        self.files = list(files)
        self.source_bytes = sum(file.owned_bytes for file in self.files)
        self._field = field
        self._policy = TextPolicy(invalid_utf8)

    @property
    def key(self) -> str:
        """SHA-256 over every file's identity and place, the part and the settings; reads no content."""
        places = [(*placed.file.identity, placed.first_byte, placed.total, str(placed.part)) for placed in self.files]
        return hashlib.sha256(json.dumps([self._field, self._policy.policy, places]).encode()).hexdigest()

    @property
    def counts(self) -> DocumentCounts:
        """What the last reading changed or left out so far."""
        return self._policy.counts

    @property
    def hub_files(self) -> list[HubFile]:
        """Those of its files that must be fetched."""
        return [placed.file.hub for placed in self.files if placed.file.hub is not None]

    def documents(self, local_path: Callable[[HubFile], Path]) -> Iterator[Document]:
        """Read everything; `local_path` fetches a file of the Hub. Raises DataError and StorageError."""
        self._policy = TextPolicy(self._policy.policy)
        readers = {
            "text": self._read_text,
            "json_lines": self._read_json_lines,
            "parquet": self._read_parquet,
            "python": self._read_python,
        }
        for placed in self.files:
            if not placed.has_grains and not placed.owns(0):
                continue
            file = placed.file
            path = file.path if file.hub is None else local_path(file.hub)
            try:
                for document in readers[file.kind](placed, path):
                    if document.content:
                        yield document
                    else:
                        self.counts.empty += 1
            except _DAMAGED as problem:
                raise DataError(f"{file.name} is damaged or cut short: {problem}") from problem
            except OSError as problem:
                raise storage_error(problem, path, "cannot read") from problem

    def _without_mark(self, content: bytes) -> bytes:
        """A byte order mark at the start of a file tells the encoding and is no text: dropped and counted."""
        if content.startswith(BYTE_ORDER_MARK):
            self.counts.byte_order_marks += 1
            return content[len(BYTE_ORDER_MARK) :]
        return content

    def _read_text(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        with open_source(path) as stream:
            whole = stream.read()
        content = self._without_mark(whole)
        name = placed.file.name
        decoded = self._policy.text_from_bytes(content, where=name, first_byte=len(whole) - len(content))
        if decoded is None:
            return
        text, replaced = decoded
        if replaced:
            self.counts.replaced += 1
            content = text.encode("utf-8")
        yield Document(name, content, placed.file.size)

    def _read_python(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        """Python's own rules: the coding cookie or a byte order mark decides, line ends become newlines."""
        content = path.read_bytes()
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
            text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding).read()
        except (SyntaxError, UnicodeDecodeError) as problem:
            if self._policy.policy == "strict":
                raise DataError(f"{placed.file.name} is not readable as Python source: {problem}") from problem
            self.counts.skipped += 1
            return
        yield Document(placed.file.name, text.encode("utf-8"), len(content))

    def _read_parquet(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        name = placed.file.name
        for row, text, done in parquet_texts(path, field=self._field, name=name, owns=placed.owns):
            content = self._policy.bytes_from_text(text, where=f"{name}, row {row:,}")
            if content is not None:
                yield Document(f"{name}:{row}", content, done)

    def _read_json_lines(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        name, first_byte, shared, told = placed.file.name, 0, placed.has_grains, 0
        with open_source(path) as stream:
            for number, whole in enumerate(stream, start=1):
                place = first_byte
                first_byte += len(whole)
                if shared and not placed.owns(place):
                    continue
                line = self._without_mark(whole) if number == 1 else whole
                where = f"{name}, line {number:,}"
                content = self._field_of(line, where=where, first_byte=first_byte - len(line))
                done = len(whole) if shared else stream_position(stream) - told
                if content is not None:
                    told += done
                    yield Document(f"{name}:{number}", content, done)

    def _field_of(self, line: bytes, *, where: str, first_byte: int) -> bytes | None:
        """The chosen field of one JSON line as UTF-8, None for a blank line or a skipped document."""
        if not line.strip():
            return None
        decoded = self._policy.text_from_bytes(line, where=where, first_byte=first_byte)
        if decoded is None:
            return None
        text, replaced = decoded
        try:
            row: Any = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise DataError(
                f"{where} is not JSON: {problem}. JSON lines hold one whole object on every line."
            ) from problem
        if not isinstance(row, dict):
            raise DataError(f"{where} holds {type(row).__name__}, expected an object with the field {self._field!r}")
        if self._field not in row:
            names = ", ".join(sorted(map(repr, row))[:10]) or "none"
            raise DataError(f"{where} has no field {self._field!r}; its fields: {names}. Choose one with --field.")
        if not isinstance(row[self._field], str):
            kind = type(row[self._field]).__name__
            raise DataError(f"{where}: the field {self._field!r} holds {kind}, expected a string")
        return self._policy.bytes_from_text(row[self._field], where=where, replaced=replaced)
