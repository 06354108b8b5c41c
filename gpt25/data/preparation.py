"""From documents to a directory of token shards, in constant memory and resumable at any moment."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.data.chunks import ChunkCutter, ChunkRecord, chunk_path, chunk_tokens
from gpt25.data.document import SPLITS, Document, Split, SplitRule
from gpt25.data.document_reader import DocumentReader
from gpt25.data.encoding import encode_chunks
from gpt25.data.prepared_data import INDEX_NAME, PARTIAL_NAME, TOKENIZER_NAME, PreparedData, PreparedSplit, ShardRecord
from gpt25.data.shard_format import read_shard_header, require_16_bit_vocabulary
from gpt25.data.shard_writer import ShardWriter
from gpt25.data.text_policy import DocumentCounts
from gpt25.errors import ConfigurationError, DataError
from gpt25.storage import atomic_directory, remove_leftovers, require_writable_directory
from gpt25.storage.atomic import storage_error

if TYPE_CHECKING:
    from gpt25.tokenizer import Tokenizer

_SHARD_NAME = re.compile(r"(train|validation)-\d{6}\.bin")


@dataclass(frozen=True)
class _Settings:
    """What decides the tokens of a preparation, besides the text."""

    tokenizer: "Tokenizer"
    validation_fraction: float
    tokens_per_shard: int
    split_rule: SplitRule

    def __post_init__(self) -> None:
        require_16_bit_vocabulary(self.tokenizer.vocabulary_size)
        if not 0 <= self.validation_fraction <= 1:
            raise ConfigurationError(f"validation_fraction must lie between 0 and 1, not {self.validation_fraction}")
        if not 1 <= self.tokens_per_shard < 2**31:  # the header counts in int32
            raise ConfigurationError(
                f"tokens_per_shard must lie between 1 and 2,147,483,647, not {self.tokens_per_shard}"
            )

    @property
    def chunk_settings(self) -> str:
        """What a finished chunk depends on; the size of shards is not among it."""
        return json.dumps([self.tokenizer.fingerprint, self.validation_fraction])


def prepare(
    documents: Iterable[Document],
    tokenizer: "Tokenizer",
    directory: str | Path,
    *,
    validation_fraction: float = 0.05,
    tokens_per_shard: int = 100_000_000,
    split_rule: SplitRule = "content",
    number_of_processes: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> PreparedData:
    """Encode documents into shards `train-000000.bin` … and `validation-000000.bin` …, with index.json and tokenizer.

    Every document is written as the end-of-text token followed by its tokens, in order. Its content decides its split
    (see split_of), unless the `split_rule` is "position": then the end of every document is validation, which suits a
    few long ones. A corpus of a single document is always cut by position.

    The result is the same for any number of processes (None: one a usable core) and after any interruption: finished
    chunks of text are kept in `directory`/.partial, and the next call takes over those whose text, tokenizer and
    fraction are the same. A finished directory is returned as it is when the arguments and the text are the same, and
    refused when they are not. `progress` is told the bytes of text done since its last call.

    Raises ConfigurationError for values that cannot be, DataError for an empty corpus, a directory of other data or a
    worker that died, StorageError or DiskFullError where the disk refuses; finished chunks survive all of them.
    """
    directory = Path(directory)
    settings = _Settings(tokenizer, validation_fraction, tokens_per_shard, split_rule)
    processes = _usable_cores() if number_of_processes is None else number_of_processes
    if processes < 1:
        raise ConfigurationError(f"number_of_processes must be at least 1, not {processes}")
    if (directory / INDEX_NAME).exists():
        finished = PreparedData.read(directory)
        _require_same_preparation(finished, documents, settings)
        _tidy(directory)
        return finished
    _refuse_foreign_shards(directory)
    data = _prepare_anew(documents, require_writable_directory(directory), settings, processes, progress)
    data.write()
    _tidy(directory)
    return data


def _prepare_anew(
    documents: Iterable[Document],
    directory: Path,
    settings: _Settings,
    processes: int,
    progress: Callable[[int], None] | None,
) -> PreparedData:
    """Everything but the index: chunks, shards in their place, the tokenizer beside them."""
    tokenizer = settings.tokenizer
    partial = require_writable_directory(directory / PARTIAL_NAME)
    reader = documents if isinstance(documents, DocumentReader) else None
    # Taken before reading: a file that changes meanwhile gives the next call another fingerprint.
    source_fingerprint = reader.fingerprint if reader else None
    cutter = ChunkCutter(
        documents,
        validation_fraction=settings.validation_fraction,
        settings=settings.chunk_settings,
        split_rule=settings.split_rule,
    )
    records = encode_chunks(cutter, tokenizer, partial, number_of_processes=processes, progress=progress)
    if not records:
        shutil.rmtree(partial, ignore_errors=True)
        raise DataError(
            f"there is no text in {', '.join(reader.sources) if reader else 'the documents'}: nothing to prepare"
        )
    shards = _assemble(records, partial, settings.tokens_per_shard)
    _move_into_place(partial, directory, tokenizer)
    return PreparedData(
        directory=directory,
        tokenizer_name=tokenizer.name,
        tokenizer_fingerprint=tokenizer.fingerprint,
        vocabulary_size=tokenizer.vocabulary_size,
        end_of_text_id=tokenizer.end_of_text_id,
        train=_split_of_records("train", records, shards),
        validation=_split_of_records("validation", records, shards),
        validation_fraction=settings.validation_fraction,
        split_rule="position" if cutter.by_position else "content",
        tokens_per_shard=settings.tokens_per_shard,
        sources=reader.sources if reader else (),
        source_fingerprint=source_fingerprint,
        content_sha256=cutter.content_sha256,
        counts=reader.counts if reader else DocumentCounts(),
    )


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: the cores that this process may use, not those of the machine
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _require_same_preparation(data: PreparedData, documents: Iterable[Document], settings: _Settings) -> None:
    """Raise DataError unless a finished directory is what these arguments would make.

    Untouched files are known by path, size and time; otherwise the text is read, though not encoded, and compared.
    """
    for shard in (*data.train.shards, *data.validation.shards):
        read_shard_header(data.directory / shard.file)
    where, advice = data.directory, "Choose another output directory, or delete this one to prepare it anew."
    tokenizer = settings.tokenizer
    if data.tokenizer_fingerprint != tokenizer.fingerprint:
        raise DataError(
            f"{where} was prepared with the tokenizer {data.tokenizer_name} ({data.tokenizer_fingerprint}), "
            f"not with {tokenizer.name} ({tokenizer.fingerprint}). {advice}"
        )
    for name in ("validation_fraction", "tokens_per_shard"):
        if getattr(data, name) != getattr(settings, name):
            raise DataError(
                f"{where} was prepared with {name} {getattr(data, name)}, not {getattr(settings, name)}. {advice}"
            )
    same_files = isinstance(documents, DocumentReader) and documents.fingerprint == data.source_fingerprint
    lone = data.train.documents <= 1 and data.validation.documents <= 1  # split by position whatever the rule
    if same_files and (settings.split_rule == data.split_rule or lone):
        return
    cutter = ChunkCutter(
        documents, validation_fraction=settings.validation_fraction, settings="", split_rule=settings.split_rule
    )
    for _ in cutter:
        pass
    if cutter.by_position != (data.split_rule == "position"):
        raise DataError(f"{where} was split by {data.split_rule}, not by {settings.split_rule}. {advice}")
    if cutter.content_sha256 != data.content_sha256:
        raise DataError(f"{where} was prepared from other text ({', '.join(data.sources) or 'documents'}). {advice}")


def _refuse_foreign_shards(directory: Path) -> None:
    """Shards without an index are ours to replace only beside an unfinished preparation."""
    if not directory.is_dir() or (directory / PARTIAL_NAME).is_dir():
        return
    names = sorted(path.name for path in directory.iterdir() if _SHARD_NAME.fullmatch(path.name))
    if names:
        raise DataError(
            f"{directory} already holds {names[0]} but no {INDEX_NAME}; "
            "choose another output directory or delete the shards"
        )


def _assemble(records: list[ChunkRecord], partial: Path, tokens_per_shard: int) -> dict[Split, list[ShardRecord]]:
    """Stream all chunks into shards inside the partial folder."""
    writers = {
        split: ShardWriter(
            partial,
            split,
            number_of_tokens=sum(record.tokens[split] for record in records),
            tokens_per_shard=tokens_per_shard,
        )
        for split in SPLITS
    }
    try:
        for number, record in enumerate(records):
            for split, tokens in chunk_tokens(chunk_path(partial, number), record).items():
                writers[split].write(tokens)
    finally:
        for writer in writers.values():
            writer.close()
    return {split: writer.records for split, writer in writers.items()}


def _move_into_place(partial: Path, directory: Path, tokenizer: "Tokenizer") -> None:
    """Rename the shards up into the directory; until the index is written, the partial folder marks it unfinished."""
    with atomic_directory(directory / TOKENIZER_NAME) as folder:
        tokenizer.save(folder)
    try:
        for stale in directory.iterdir():  # of an earlier interrupted assembly with other shard sizes
            if _SHARD_NAME.fullmatch(stale.name):
                stale.unlink()
        for path in sorted(partial.iterdir()):
            if _SHARD_NAME.fullmatch(path.name):
                os.rename(path, directory / path.name)
    except OSError as problem:
        raise storage_error(problem, directory, "cannot write") from problem


def _tidy(directory: Path) -> None:
    """Remove the finished chunks and the temporaries of killed calls; a kill here leaves the rest to the next call."""
    shutil.rmtree(directory / PARTIAL_NAME, ignore_errors=True)
    remove_leftovers(directory)


def _split_of_records(name: Split, records: list[ChunkRecord], shards: dict[Split, list[ShardRecord]]) -> PreparedSplit:
    return PreparedSplit(
        tokens=sum(record.tokens[name] for record in records),
        documents=sum(record.documents[name] for record in records),
        bytes=sum(record.bytes[name] for record in records),
        shards=tuple(shards[name]),
    )
