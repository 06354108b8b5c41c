"""Cut a stream of documents into chunks of work that are the same in every run, and keep finished ones on disk."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gpt25.data.preparation.split_rule import split_parts
from gpt25.data.shards.shard_format import TOKEN_BYTES, TOKEN_DTYPE
from gpt25.data.sources.document import Document, Split, SplitRule
from gpt25.errors import CorruptFileError
from gpt25.storage import record_from, sha256_of_bytes, write_bytes
from gpt25.storage.atomic import storage_error
from gpt25.storage.reading.field_types import Count
from gpt25.storage.reading.json_values import parse_json

# Large enough that starting a task and fsyncing its file cost nothing beside encoding it (about 0.5 s), small enough
# that a kill loses little, that an input below it needs no processes, and that 45 GB make 22,000 files in one folder.
CHUNK_BYTES = 2 << 20


@dataclass
class Chunk:
    """Consecutive documents, about CHUNK_BYTES of text: what one task encodes. `key` names its content and settings.

    `source_bytes` are those of the sources that are done with it.
    """

    number: int
    key: str
    text_bytes: int = 0
    source_bytes: int = 0
    documents: list[tuple[Split, bytes]] = field(default_factory=list)


@dataclass(frozen=True)
class ChunkRecord:
    """A finished chunk: tokens, documents and text bytes of each split, and the SHA-256 of its token bytes.

    `special_names`: how many names of special tokens its text holds, whatever became of them.
    """

    key: str
    tokens: dict[Split, Count]
    documents: dict[Split, Count]
    bytes: dict[Split, Count]
    sha256: str
    special_names: int = 0


@dataclass(frozen=True)
class CutSegment:
    """One segment of documents that the cutter is through with: where its chunks end, and the hash of its content."""

    chunks_end: int
    sha256: str


class ChunkCutter:
    """Assigns every document to a split and yields chunks, none of them across the border of two segments.

    streams: the segments of documents, in order. `finished` grows by a CutSegment whenever one has been cut to its end,
    before the first chunk of the next. first_chunk: the number of the first one. by_position: whether it is known that
    the documents are cut by position; None lets a corpus of a single document decide.
    """

    def __init__(
        self,
        streams: Iterable[Iterable[Document]],
        *,
        validation_fraction: float,
        settings: str,
        first_chunk: int = 0,
        by_position: bool | None = None,
    ) -> None:
        self.by_position = by_position or False
        self.finished: list[CutSegment] = []
        self._streams = streams
        self._may_be_lone = by_position is None and 0 < validation_fraction < 1
        self._validation_fraction = validation_fraction
        self._settings = settings
        self._number = first_chunk

    def __iter__(self) -> Iterator[Chunk]:
        chunk, key, content = None, None, hashlib.sha256()
        segment = 0
        for number, documents in self._split_documents():
            while segment < number:
                if chunk is not None and key is not None:
                    yield self._closed(chunk, key)
                    chunk = None
                self.finished.append(CutSegment(self._number, content.hexdigest()))
                segment, content = segment + 1, hashlib.sha256()
            for split, document in documents:
                if chunk is None or key is None:
                    chunk, key = Chunk(self._number, ""), hashlib.sha256(self._settings.encode())
                content.update(document.sha256)
                key.update(split[0].encode() + document.sha256)
                chunk.documents.append((split, document.content))
                chunk.text_bytes += len(document.content)
                done = document.source_bytes
                chunk.source_bytes += len(document.content) if done is None else done
                if chunk.text_bytes >= CHUNK_BYTES:
                    yield self._closed(chunk, key)
                    chunk = None

    def _closed(self, chunk: Chunk, key: "hashlib._Hash") -> Chunk:
        self._number += 1
        chunk.key = key.hexdigest()
        return chunk

    def _split_documents(self) -> Iterator[tuple[int, list[tuple[Split, Document]]]]:
        """(number of the segment, a document's parts with their splits); an empty list where a segment begins or ends.

        A document's content decides its split, except that a corpus of one document is cut in two by position.
        """
        stream = self._numbered_documents()
        if self._may_be_lone:
            first = []
            for number, document in stream:
                first.append((number, document))
                if sum(document is not None for _, document in first) == 2:
                    break
            else:
                self.by_position = sum(document is not None for _, document in first) == 1
            stream = chain(first, stream)
            del first  # a huge document must not stay in memory while the others pass
        fraction = self._validation_fraction
        for number, document in stream:
            if document is None:
                yield number, []
            else:
                rule: SplitRule = "position" if self.by_position else "content"
                yield number, split_parts(document, rule, validation_fraction=fraction)

    def _numbered_documents(self) -> Iterator[tuple[int, Document | None]]:
        for number, documents in enumerate(self._streams):
            for document in documents:
                yield number, document
            yield number + 1, None  # so that a segment without documents ends too


def chunk_path(folder: Path, number: int) -> Path:
    """Where a chunk's tokens are kept until the shards are put together."""
    return folder / f"chunk-{number:06d}"


def write_chunk(
    path: Path,
    key: str,
    tokens: dict[Split, NDArray[np.uint16]],
    *,
    documents: dict[Split, int],
    text_bytes: dict[Split, int],
    special_names: int = 0,
) -> ChunkRecord:
    """Write a chunk file atomically: one line of JSON (its record), then the train and the validation tokens."""
    payload = b"".join(tokens[split].astype(TOKEN_DTYPE).tobytes() for split in tokens)
    record = ChunkRecord(
        key=key,
        tokens={split: len(ids) for split, ids in tokens.items()},
        documents=documents,
        bytes=text_bytes,
        sha256=sha256_of_bytes(payload),
        special_names=special_names,
    )
    write_bytes(path, json.dumps(asdict(record)).encode() + b"\n" + payload)
    return record


def read_chunk(path: Path, key: str) -> ChunkRecord | None:
    """The record of a finished chunk, or None where the file is absent, damaged or of other text or settings."""
    try:
        line, _, payload = path.read_bytes().partition(b"\n")
        record = record_from(parse_json(line, where=str(path)), ChunkRecord, where=str(path), more_keys="refused")
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    except CorruptFileError:
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
