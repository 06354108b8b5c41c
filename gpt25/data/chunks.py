"""Cut a stream of documents into chunks of work that are the same in every run, and keep finished ones on disk."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gpt25.data.document import SPLITS, Document, Split, SplitRule, split_of
from gpt25.data.shard_format import TOKEN_BYTES, TOKEN_TYPE
from gpt25.storage import sha256_of_bytes, write_bytes
from gpt25.storage.atomic import storage_error

# Large enough that starting a task and fsyncing its file cost nothing beside encoding it (about 0.5 s), small enough
# that a kill loses little, that an input below it needs no processes, and that 45 GB make 22,000 files in one folder.
CHUNK_BYTES = 2 << 20


@dataclass
class Chunk:
    """Consecutive documents, about CHUNK_BYTES of text: what one task encodes. `key` names its content and settings."""

    number: int
    key: str
    text_bytes: int = 0
    documents: list[tuple[Split, bytes]] = field(default_factory=list)


@dataclass(frozen=True)
class ChunkRecord:
    """A finished chunk: tokens, documents and text bytes of each split, and the SHA-256 of its token bytes."""

    key: str
    tokens: dict[Split, int]
    documents: dict[Split, int]
    bytes: dict[Split, int]
    sha256: str


class ChunkCutter:
    """Assigns every document to a split and yields chunks; afterwards tells the SHA-256 over all documents."""

    def __init__(
        self,
        documents: Iterable[Document],
        *,
        validation_fraction: float,
        settings: str,
        split_rule: SplitRule = "content",
    ) -> None:
        self.by_position = split_rule == "position"
        self._documents = documents
        self._validation_fraction = validation_fraction
        self._settings = settings
        self._content = hashlib.sha256()

    @property
    def content_sha256(self) -> str:
        """SHA-256 over the SHA-256 of every document so far, in order."""
        return self._content.hexdigest()

    def __iter__(self) -> Iterator[Chunk]:
        number, documents, size, key = 0, [], 0, hashlib.sha256(self._settings.encode())
        for split, document in self._split_documents():
            self._content.update(document.sha256)
            key.update(split[0].encode() + document.sha256)
            documents.append((split, document.content))
            size += len(document.content)
            if size >= CHUNK_BYTES:
                yield Chunk(number, key.hexdigest(), size, documents)
                number, documents, size, key = number + 1, [], 0, hashlib.sha256(self._settings.encode())
        if documents:
            yield Chunk(number, key.hexdigest(), size, documents)

    def _split_documents(self) -> Iterator[tuple[Split, Document]]:
        """Each document's split by its content, except that a corpus of one document is cut in two by position."""
        stream = iter(self._documents)
        if self.by_position and 0 < self._validation_fraction < 1:
            for document in stream:
                yield from _cut_by_position(document, self._validation_fraction)
            return
        first = list(islice(stream, 2))
        if len(first) == 1 and 0 < self._validation_fraction < 1:
            self.by_position = True
            yield from _cut_by_position(first[0], self._validation_fraction)
            return
        stream = chain(first, stream)
        del first  # a huge document must not stay in memory while the others pass
        for document in stream:
            yield split_of(document, validation_fraction=self._validation_fraction), document


def _cut_by_position(document: Document, validation_fraction: float) -> Iterator[tuple[Split, Document]]:
    """The end of a document becomes validation, beginning with a line where one begins near the cut."""
    content = document.content
    cut = round(len(content) * (1 - validation_fraction))
    line_end = content.find(b"\n", cut, cut + (len(content) - cut) // 2)
    if line_end >= 0:
        cut = line_end + 1
    while cut < len(content) and content[cut] & 0xC0 == 0x80:  # never inside a UTF-8 character
        cut += 1
    for split, part in zip(SPLITS, (content[:cut], content[cut:]), strict=True):
        if part:
            yield split, Document(document.name, part)


def chunk_path(folder: Path, number: int) -> Path:
    """Where a chunk's tokens are kept until the shards are put together."""
    return folder / f"chunk-{number:06d}"


def write_chunk(path: Path, chunk: Chunk, tokens: dict[Split, NDArray[np.uint16]]) -> ChunkRecord:
    """Write a chunk file atomically: one line of JSON (its record), then the train and the validation tokens."""
    payload = b"".join(tokens[split].astype(TOKEN_TYPE).tobytes() for split in tokens)
    record = ChunkRecord(
        key=chunk.key,
        tokens={split: len(ids) for split, ids in tokens.items()},
        documents={split: sum(owner == split for owner, _ in chunk.documents) for split in tokens},
        bytes={split: sum(len(text) for owner, text in chunk.documents if owner == split) for split in tokens},
        sha256=sha256_of_bytes(payload),
    )
    write_bytes(path, json.dumps(asdict(record)).encode() + b"\n" + payload)
    return record


def read_chunk(path: Path, key: str) -> ChunkRecord | None:
    """The record of a finished chunk, or None where the file is absent, damaged or of other text or settings."""
    try:
        line, _, payload = path.read_bytes().partition(b"\n")
        record = ChunkRecord(**json.loads(line))
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    except (ValueError, TypeError):
        return None
    return record if record.key == key and record.sha256 == sha256_of_bytes(payload) else None


def chunk_tokens(path: Path, record: ChunkRecord) -> dict[Split, bytes]:
    """The token bytes of each split of a finished chunk."""
    try:
        payload = path.read_bytes().partition(b"\n")[2]
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    parts, start = {}, 0
    for split, count in record.tokens.items():
        parts[split] = payload[start : start + count * TOKEN_BYTES]
        start += count * TOKEN_BYTES
    return parts
