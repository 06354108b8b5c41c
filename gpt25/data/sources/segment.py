"""Files of the sources that are read in one go: what a resumed preparation has done or does again."""

import hashlib
import io
import json
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gpt25.data.formats.document_separator import separated
from gpt25.data.formats.file_kind import BEGINNING_BYTES, require_text
from gpt25.data.formats.json_texts import json_texts
from gpt25.data.formats.notebook_cells import notebook_text
from gpt25.data.formats.page_text import declared_encoding, page_text
from gpt25.data.formats.parquet_rows import parquet_texts
from gpt25.data.formats.reading_settings import ReadingSettings
from gpt25.data.formats.source_stream import (
    DAMAGED,
    damaged,
    is_compressed,
    open_source_stream,
    read_document,
    require_document_size,
    stream_position,
)
from gpt25.data.formats.table_rows import table_texts
from gpt25.data.formats.text_policy import DocumentCounts
from gpt25.data.sources.document import Document
from gpt25.data.sources.hub_listing import HubFile
from gpt25.data.sources.part import Part
from gpt25.data.sources.source_files import SourceFile
from gpt25.errors import DataError
from gpt25.storage.atomic import storage_error


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
    def is_splittable(self) -> bool:
        """Whether the file can be split between parts: row groups or lines that lie there as they are."""
        return self.file.kind == "parquet" or (self.file.kind == "json_lines" and not is_compressed(self.file.path))

    @property
    def owned_bytes(self) -> int:
        """About how many bytes of it are in the part: all or nothing of a file that cannot be split."""
        size = self.file.size
        if not self.is_splittable:
            return size if self.owns(0) else 0
        begin = (self.part.number - 1) * self.total // self.part.count - self.first_byte
        end = self.part.number * self.total // self.part.count - self.first_byte
        return max(0, min(end, size) - max(begin, 0))


class Segment:
    """The documents of some files, in order; memory holds one document. `counts` tells of the last reading.

    `key` changes with any file's name, size or time, and with every setting that decides the documents.
    """

    def __init__(self, files: Iterable[PlacedFile], *, settings: ReadingSettings) -> None:
        self.files = list(files)
        self.source_bytes = sum(file.owned_bytes for file in self.files)
        self._settings = settings
        self._policy = settings.policy()

    @property
    def key(self) -> str:
        """SHA-256 over every file's identity and offset, the part and the settings; reads no content."""
        offsets = [(*placed.file.identity, placed.first_byte, placed.total, str(placed.part)) for placed in self.files]
        return hashlib.sha256(json.dumps([*self._settings.as_key, offsets]).encode()).hexdigest()

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
        self._policy = self._settings.policy()
        readers = {
            "text": self._read_text,
            "page": self._read_page,
            "notebook": self._read_notebook,
            "csv": self._read_table,
            "tsv": self._read_table,
            "json_lines": self._read_json,
            "parquet": self._read_parquet,
            "python": self._read_python,
        }
        for placed in self.files:
            if not placed.is_splittable and not placed.owns(0):
                continue
            file = placed.file
            path = file.path if file.hub is None else local_path(file.hub)
            try:
                for document in readers[file.kind](placed, path):
                    if document.content:
                        yield document
                    else:
                        self.counts.empty += 1
            except DAMAGED as problem:
                raise damaged(file.name, problem) from problem
            except OSError as problem:
                raise storage_error(problem, path, "cannot read") from problem

    def _read_text(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        name = placed.file.name
        content = self._policy.bytes_from_file(self._entire(path, name), where=name)
        if content is None:
            return
        if self._settings.document_separator is None:
            yield Document(name, content, placed.file.size)
            return
        left = placed.file.size
        for number, piece in enumerate(separated(content, self._settings.document_separator), start=1):
            yield Document(f"{name}:{number}", piece, left)
            left = 0

    def _read_page(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        name = placed.file.name
        entire = self._entire(path, name)
        source = self._policy.bytes_from_file(entire, where=name, declared=declared_encoding(entire))
        if source is not None:
            yield Document(name, page_text(source.decode("utf-8"), name=name).encode("utf-8"), placed.file.size)

    def _read_notebook(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        name = placed.file.name
        content = self._policy.bytes_from_file(self._entire(path, name), where=name)
        text = None if content is None else notebook_text(content.decode("utf-8"), where=name)
        found = None if text is None else self._policy.bytes_from_text(text, where=name)
        if found is not None:
            yield Document(name, found, placed.file.size)

    def _entire(self, path: Path, name: str) -> bytes:
        """All bytes of a file that is one document, and text."""
        with open_source_stream(path) as stream:
            content = read_document(stream, where=name, largest_bytes=self._settings.largest_document_bytes)
        require_text(content[:BEGINNING_BYTES], name=name, encoding=self._settings.encoding)
        return content

    def _read_python(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        """Python's own rules: the coding cookie or a byte order mark decides, line ends become newlines."""
        name, largest = placed.file.name, self._settings.largest_document_bytes
        with open_source_stream(path) as stream:
            content = read_document(stream, where=name, largest_bytes=largest)
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
            text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding).read()
        except (SyntaxError, UnicodeDecodeError) as problem:
            if self._policy.policy == "strict":
                raise DataError(f"{name} is not readable as Python source: {problem}") from problem
            self.counts.skipped += 1
            return
        yield Document(name, text.encode("utf-8"), len(content))

    def _read_parquet(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        name, largest = placed.file.name, self._settings.largest_document_bytes
        for row, text, done in parquet_texts(path, field=self._settings.field, name=name, owns=placed.owns):
            where = f"{name}, row {row:,}"
            content = self._policy.bytes_from_text(text, where=where)
            if content is not None:
                require_document_size(len(content), where=f"{where},", largest_bytes=largest)
                yield Document(f"{name}:{row}", content, done)

    def _read_table(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        name, told, packed = placed.file.name, 0, is_compressed(path)
        kind: Literal["csv", "tsv"] = "tsv" if placed.file.kind == "tsv" else "csv"
        with open_source_stream(path) as stream:
            texts = table_texts(stream, kind=kind, settings=self._settings, name=name, policy=self._policy)
            for number, content, length in texts:
                done = stream_position(stream) - told if packed else length
                told += done
                yield Document(f"{name}:{number}", content, done)

    def _read_json(self, placed: PlacedFile, path: Path) -> Iterator[Document]:
        name, told, settings = placed.file.name, 0, self._settings
        with open_source_stream(path) as stream:
            owns = placed.owns if placed.is_splittable else lambda _: True
            texts = json_texts(stream, settings=settings, name=name, policy=self._policy, owns=owns)
            for number, content, length in texts:
                done = length if placed.is_splittable else stream_position(stream) - told
                told += done
                yield Document(f"{name}:{number}", content, done)
