"""From documents to a directory of token shards, in constant memory and resumable at any moment."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from gpt25.counted import counted
from gpt25.data.formats.text_policy import DocumentCounts
from gpt25.data.preparation.assembly import assemble
from gpt25.data.preparation.bytes_of_documents import bytes_of_documents
from gpt25.data.preparation.chunks import ChunkRecord
from gpt25.data.preparation.matching_preparation import content_hash, require_matching_preparation
from gpt25.data.preparation.preparation_settings import PreparationSettings
from gpt25.data.preparation.segment_encoding import encode_segments, encode_stream, is_begun
from gpt25.data.preparation.split_rule import chosen_split_rule
from gpt25.data.shards.prepared_data import INDEX_NAME, PARTIAL_NAME, TOKENIZER_NAME, PreparedData, PreparedPart
from gpt25.data.sources.document import SPLITS, Document, SplitRule
from gpt25.data.sources.document_reader import DocumentReader, sum_of_counts
from gpt25.data.sources.first_names import first_names
from gpt25.data.sources.part import WHOLE, Part
from gpt25.errors import ConfigurationError, DataError
from gpt25.storage import (
    atomic_directory,
    entries,
    exclusive_lock,
    exists,
    is_directory,
    matching,
    remove_leftovers,
    require_no_way_out,
    require_writable_directory,
)
from gpt25.storage.atomic import storage_error
from gpt25.storage.removed_if_unused import removed_if_unused
from gpt25.tokenizer import SpecialTokens, Tokenizer

_LOCK_NAME = "lock"
_SHARD_NAME = re.compile(r"(train|validation)-\d{6}\.bin")


def prepare(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    directory: str | Path,
    *,
    validation_fraction: float = 0.05,
    validation_tokens: int | None = None,
    tokens_per_shard: int = 100_000_000,
    split_rule: SplitRule | None = None,
    special_tokens: SpecialTokens = "text",
    remake: bool = False,
    number_of_processes: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> PreparedData:
    """Encode documents into shards `train-000000.bin` … and `validation-000000.bin` …, with index.json and tokenizer.

    Every document is written as the end-of-text token followed by its tokens, in order. With the `split_rule` "content"
    its content decides its split (see split_of), with "position" the end of every document is validation, which suits
    a few. None takes "position" for at most FEW_DOCUMENTS (see split_rule.py). A corpus of a single document is always
    cut by position. With `validation_tokens`, the rule is "first": so many tokens from the beginning are validation, as
    in llm.c's FineWeb.

    special_tokens: what becomes of the name of a special token in a text, see Tokenizer.encode; how many there were is
    told either way.

    The result is the same for any number of processes (None: one a usable core) and after any interruption: finished
    chunks of text are kept in `directory`/.partial, and the next call takes over those whose text, tokenizer and
    fraction are the same; segments of files that are all done are not even read again. Files of the Hub are fetched
    there, two at a time at most. A finished directory is returned as it is when the arguments and the text are the
    same, and refused when they are not, or with `remake` made anew. `progress` is told the bytes of the sources done
    since its last call.

    A reader of one part of several writes into a folder of its own in `directory`; all together they are the data set,
    of which validation_tokens are the first of the first part.

    Raises ConfigurationError for values that cannot be, DataError for an empty corpus, for a split that is left without
    text although the fraction lies between 0 and 1 (of a whole set, not of parts), a directory of other data or a
    worker that died, StorageError or DiskFullError where the disk refuses or another process prepares
    there; finished chunks survive all of them.
    """
    directory, part = Path(directory), WHOLE
    if isinstance(documents, DocumentReader):
        part = documents.part
    if validation_tokens is not None:
        validation_fraction, split_rule = 0.0, "first"
    settings = PreparationSettings(
        tokenizer, validation_fraction, tokens_per_shard, split_rule or "content", validation_tokens, special_tokens
    )
    processes = _usable_cores() if number_of_processes is None else number_of_processes
    if processes < 1:
        raise ConfigurationError(f"number_of_processes must be at least 1, not {processes}")
    if part != WHOLE:
        directory, settings = _part_directory(directory, part, settings)
    elif any(Part.of_folder(path.name) for path in matching(directory, "part-*")):
        raise DataError(f"{directory} holds parts of a data set; choose another output directory, or name the part")
    if exists(directory / INDEX_NAME):
        finished = PreparedData.read(directory)
        if split_rule is None and finished.split_rule != "first":
            settings = replace(settings, split_rule=finished.split_rule)
        try:
            require_matching_preparation(finished, documents, settings)
            _remove_temporaries(directory)
            if progress is not None:
                progress(bytes_of_documents(documents))
            return finished
        except DataError:
            if not remake:
                raise
        _mark_unfinished(directory)
    _refuse_foreign_shards(directory)
    _require_no_ways_out(directory)
    with _work_place(directory) as partial:
        if split_rule is None and 0 < validation_fraction < 1:
            settings, documents = _with_chosen_rule(settings, documents, partial)
        data = _prepare_anew(documents, directory, settings, processes, progress, part)
        data.write()
        _remove_temporaries(directory)
    return data


@contextlib.contextmanager
def _work_place(directory: Path) -> Iterator[Path]:
    """The folder of the unfinished preparation, one process's; it goes again where nothing comes of it."""
    partial, advice = directory / PARTIAL_NAME, "Wait for it, or choose another output directory."
    with removed_if_unused(partial, lock_name=_LOCK_NAME):
        require_writable_directory(require_writable_directory(directory) / PARTIAL_NAME)
        with exclusive_lock(partial / _LOCK_NAME, of=str(directory), advice=advice):
            yield partial


def _part_directory(directory: Path, part: Part, settings: PreparationSettings) -> tuple[Path, PreparationSettings]:
    """The folder of a part, beside the one tokenizer of all parts, and the settings that hold for the part."""
    if exists(directory / INDEX_NAME):
        raise DataError(f"{directory} holds a complete data set; choose another output directory for parts")
    shared_tokenizer = directory / TOKENIZER_NAME
    for path in (shared_tokenizer, directory / part.folder):
        require_no_way_out(path, of=directory)
    if not Tokenizer.is_in(shared_tokenizer):
        require_writable_directory(directory)
        with atomic_directory(shared_tokenizer) as folder:
            settings.tokenizer.save(folder)
    elif (found := Tokenizer.load(shared_tokenizer)).fingerprint != settings.tokenizer.fingerprint:
        raise DataError(
            f"the parts in {directory} are made with the tokenizer {found.name} ({found.fingerprint}), not with "
            f"{settings.tokenizer.name} ({settings.tokenizer.fingerprint}); all parts need the same"
        )
    if settings.validation_tokens is not None and part.number > 1:
        # The first tokens of the whole are in the first part: all of another part is for training.
        settings = replace(settings, split_rule="content", validation_tokens=None)
    return directory / part.folder, settings


def _prepare_anew(
    documents: Iterable[Document],
    directory: Path,
    settings: PreparationSettings,
    processes: int,
    progress: Callable[[int], None] | None,
    part: Part,
) -> PreparedData:
    """Everything but the index: chunks, shards in their place, the tokenizer beside them."""
    tokenizer = settings.tokenizer
    partial = directory / PARTIAL_NAME
    reader = documents if isinstance(documents, DocumentReader) else None
    # Taken before reading: a file that changes meanwhile gives the next call another fingerprint.
    source_fingerprint = reader.fingerprint if reader else None
    if reader is None:
        records, hashes, by_position = encode_stream(documents, partial, settings, processes, progress)
        counts = DocumentCounts()
    else:
        segments = list(
            encode_segments(
                reader.segments(), partial, settings, processes, progress, single_document_by_position=part == WHOLE
            )
        )
        records = [chunk for segment in segments for chunk in segment.chunks]
        hashes = [segment.sha256 for segment in segments]
        by_position = any(segment.by_position for segment in segments)
        counts = sum_of_counts(segment.counts for segment in segments)
    if not records and part == WHOLE:
        shutil.rmtree(partial, ignore_errors=True)
        raise DataError(
            f"there is no text in {first_names(reader.sources) if reader else 'the documents'}: nothing to prepare"
        )
    if part == WHOLE and 0 < settings.validation_fraction < 1:
        _require_both_splits(records, partial, settings)
    splits = assemble(records, partial, settings)
    _move_into_place(partial, directory, tokenizer)
    return PreparedData(
        directory=directory,
        tokenizer_name=tokenizer.name,
        tokenizer_fingerprint=tokenizer.fingerprint,
        vocabulary_size=tokenizer.vocabulary_size,
        end_of_text_id=tokenizer.end_of_text_id,
        train=splits["train"],
        validation=splits["validation"],
        validation_fraction=settings.validation_fraction,
        validation_tokens=settings.validation_tokens,
        split_rule="position" if by_position else settings.split_rule,
        tokens_per_shard=settings.tokens_per_shard,
        sources=reader.sources if reader else (),
        source_fingerprint=source_fingerprint,
        content_sha256=content_hash(hashes),
        counts=counts,
        part=None if part == WHOLE or reader is None else PreparedPart.of(part, reader.portable_fingerprint),
        special_tokens=settings.special_tokens,
        special_token_names=sum(record.special_names for record in records),
    )


def _with_chosen_rule(
    settings: PreparationSettings, documents: Iterable[Document], partial: Path
) -> tuple[PreparationSettings, Iterable[Document]]:
    """The settings with the rule of an unfinished preparation, or with that which the documents' number asks for."""
    if isinstance(documents, DocumentReader):
        segments = documents.segments()
        for rule in ("content", "position"):
            known = replace(settings, split_rule=rule)
            if is_begun(segments, partial, known):
                return known, documents
    rule, documents = chosen_split_rule(documents, partial.parent)
    return replace(settings, split_rule=rule), documents


def _require_both_splits(records: list[ChunkRecord], partial: Path, settings: PreparationSettings) -> None:
    """Raise DataError, before anything is moved into place, where one split would have no text."""
    for split in SPLITS:
        if not any(record.tokens[split] for record in records):
            shutil.rmtree(partial, ignore_errors=True)
            documents = sum(sum(record.documents.values()) for record in records)
            text_bytes = sum(sum(record.bytes.values()) for record in records)
            other = "smaller" if split == "train" else "larger"
            raise DataError(
                f"no text is left for the {split} split: {counted(documents, 'documents')} of "
                f"{counted(text_bytes, 'bytes')} were split with a validation fraction of "
                f"{settings.validation_fraction}. Give a {other} one, or more text."
            )


def _mark_unfinished(directory: Path) -> None:
    """Make a finished directory an unfinished one, whose shards the next preparation replaces."""
    require_writable_directory(directory / PARTIAL_NAME)
    try:
        (directory / INDEX_NAME).unlink()
    except OSError as problem:
        raise storage_error(problem, directory / INDEX_NAME, "cannot replace") from problem


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: the cores that this process may use, not those of the machine
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _require_no_ways_out(directory: Path) -> None:
    """Nothing that a preparation writes in its directory may lead out of it, chunks and shards included."""
    for path in (directory / PARTIAL_NAME, directory / TOKENIZER_NAME):
        require_no_way_out(path, of=directory)
    for path in matching(directory / PARTIAL_NAME, "*"):
        require_no_way_out(path, of=directory)


def _refuse_foreign_shards(directory: Path) -> None:
    """Shards without an index are ours to replace only beside an unfinished preparation."""
    if not is_directory(directory) or is_directory(directory / PARTIAL_NAME):
        return
    names = sorted(path.name for path in entries(directory) if _SHARD_NAME.fullmatch(path.name))
    if names:
        raise DataError(
            f"{directory} already holds {names[0]} but no {INDEX_NAME}; "
            "choose another output directory or delete the shards"
        )


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


def _remove_temporaries(directory: Path) -> None:
    """Remove the finished chunks and the temporaries of killed calls; a kill here leaves the rest to the next call."""
    shutil.rmtree(directory / PARTIAL_NAME, ignore_errors=True)
    remove_leftovers(directory)
