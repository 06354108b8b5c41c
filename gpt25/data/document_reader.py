"""Read documents from files, one at a time: text, Python sources, JSON lines."""

import gzip
import hashlib
import io
import json
import tokenize
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gpt25.data.document import Document
from gpt25.data.opening import is_compressed, open_source
from gpt25.data.source_files import SourceFile, find_source_files, standard_library_files
from gpt25.data.text_policy import BYTE_ORDER_MARK, DocumentCounts, InvalidUtf8, TextPolicy
from gpt25.errors import DataError
from gpt25.storage.atomic import storage_error

_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)


class DocumentReader(Iterable[Document]):
    """The documents of some files, in order, read anew by every loop over it; memory holds one document.

    `counts` tells what the last loop replaced, skipped or found empty so far; `sources`, `field` and `invalid_utf8`
    tell what was asked for; `fingerprint` changes when a file, its size or its time, the field or the policy changes.
    """

    def __init__(
        self, files: Sequence[SourceFile], *, sources: Sequence[str], field: str = "text", invalid_utf8: InvalidUtf8
    ) -> None:
        self.sources = tuple(sources)
        self.field = field
        self.invalid_utf8 = invalid_utf8
        self._files = list(files)
        self._policy = TextPolicy(invalid_utf8)

    @property
    def counts(self) -> DocumentCounts:
        """What the last loop over the documents changed or left out so far."""
        return self._policy.counts

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every file's path, size and time and over the settings; reads no content."""
        parts = [self.field, self.invalid_utf8, *(file.identity for file in self._files)]
        return hashlib.sha256(json.dumps(parts).encode("utf-8")).hexdigest()

    @property
    def text_bytes(self) -> int | None:
        """Bytes of text in all files together, or None where only reading them would tell."""
        if any(file.kind == "json_lines" or is_compressed(file.path) for file in self._files):
            return None
        return sum(file.identity[1] for file in self._files)

    def __iter__(self) -> Iterator[Document]:
        self._policy = TextPolicy(self.invalid_utf8)
        readers = {"text": self._read_text, "json_lines": self._read_json_lines, "python": self._read_python}
        for file in self._files:
            try:
                for document in readers[file.kind](file):
                    if document.content:
                        yield document
                    else:
                        self.counts.empty += 1
            except _DAMAGED as problem:
                raise DataError(f"{file.path} is damaged or cut short: {problem}") from problem
            except OSError as problem:
                raise storage_error(problem, file.path, "cannot read") from problem

    def _without_mark(self, content: bytes) -> bytes:
        """A byte order mark at the start of a file tells the encoding and is no text: dropped and counted."""
        if content.startswith(BYTE_ORDER_MARK):
            self.counts.byte_order_marks += 1
            return content[len(BYTE_ORDER_MARK) :]
        return content

    def _read_text(self, file: SourceFile) -> Iterator[Document]:
        with open_source(file.path) as stream:
            whole = stream.read()
        content = self._without_mark(whole)
        decoded = self._policy.text_from_bytes(content, where=file.name, first_byte=len(whole) - len(content))
        if decoded is None:
            return
        text, replaced = decoded
        if replaced:
            self.counts.replaced += 1
            content = text.encode("utf-8")
        yield Document(name=file.name, content=content)

    def _read_python(self, file: SourceFile) -> Iterator[Document]:
        """Python's own rules: the coding cookie or a byte order mark decides, line ends become newlines."""
        content = file.path.read_bytes()
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
            text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding).read()
        except (SyntaxError, UnicodeDecodeError) as problem:
            if self.invalid_utf8 == "strict":
                raise DataError(f"{file.name} is not readable as Python source: {problem}") from problem
            self.counts.skipped += 1
            return
        yield Document(name=file.name, content=text.encode("utf-8"))

    def _read_json_lines(self, file: SourceFile) -> Iterator[Document]:
        first_byte = 0
        with open_source(file.path) as stream:
            for number, whole in enumerate(stream, start=1):
                line = self._without_mark(whole) if number == 1 else whole
                where = f"{file.name}, line {number:,}"
                content = self._field_of(line, where=where, first_byte=first_byte + len(whole) - len(line))
                first_byte += len(whole)
                if content is not None:
                    yield Document(name=f"{file.name}:{number}", content=content)

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
            raise DataError(f"{where} holds {type(row).__name__}, expected an object with the field {self.field!r}")
        if self.field not in row:
            names = ", ".join(sorted(map(repr, row))[:10]) or "none"
            raise DataError(f"{where} has no field {self.field!r}; its fields: {names}. Choose one with --field.")
        if not isinstance(row[self.field], str):
            kind = type(row[self.field]).__name__
            raise DataError(f"{where}: the field {self.field!r} holds {kind}, expected a string")
        return self._policy.bytes_from_text(row[self.field], where=where, replaced=replaced)


def read_documents(
    sources: Sequence[str | Path], *, field: str = "text", invalid_utf8: InvalidUtf8 = "strict"
) -> DocumentReader:
    """Documents of files, folders and globs, in the order given and sorted within a folder or glob.

    A name that ends in .jsonl, .ndjson or .json holds JSON lines, whose `field` is the text of one document each; any
    other file is one document. Both may be compressed (.gz, or .zst with the extra `data`). The word
    "standard-library" stands for this Python's own sources. A byte order mark at a file's start is dropped; empty
    documents are left out; both are counted.

    invalid_utf8: "strict" raises DataError naming file and byte, "replace" puts U+FFFD, "skip" leaves the document
    out; the last two are counted in the reader's `counts`. It also rules lone surrogates in JSON.
    """
    if isinstance(sources, str | Path):
        sources = [sources]
    if not sources:
        raise DataError("no source was named; name a text file, a folder, a glob, JSON lines or standard-library")
    files = find_source_files(sources)
    return DocumentReader(files, sources=[str(source) for source in sources], field=field, invalid_utf8=invalid_utf8)


def standard_library_documents(root: str | Path | None = None) -> DocumentReader:
    """The standard library's Python sources without tests, sorted by path, one document a file, in UTF-8."""
    files = standard_library_files(root)
    return DocumentReader(files, sources=["standard-library"], invalid_utf8="strict")
