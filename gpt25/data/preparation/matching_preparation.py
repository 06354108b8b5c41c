"""Whether a finished directory is what the same arguments would make again."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from gpt25.data.preparation.chunks import ChunkCutter
from gpt25.data.preparation.preparation_settings import PreparationSettings
from gpt25.data.shards.prepared_data import PreparedData
from gpt25.data.shards.shard_format import read_shard_header
from gpt25.data.sources.document import Document
from gpt25.data.sources.document_reader import DocumentReader
from gpt25.data.sources.first_names import first_names
from gpt25.data.sources.hub_listing import HubFile
from gpt25.errors import DataError


def require_matching_preparation(
    data: PreparedData, documents: Iterable[Document], settings: PreparationSettings
) -> None:
    """Raise DataError unless a finished directory is what these arguments would make.

    Untouched files are known by path, size and time; otherwise the text is read, though not encoded, and compared.
    """
    for shard in (*data.train.shards, *data.validation.shards):
        read_shard_header(data.directory / shard.file)
    where, advice = (
        data.directory,
        (
            "Give the texts and options that it was made with (of a run they stand in run.toml), "
            "or choose another directory."
        ),
    )
    tokenizer = settings.tokenizer
    if data.tokenizer_fingerprint != tokenizer.fingerprint:
        raise DataError(
            f"{where} was prepared with the tokenizer {data.tokenizer_name} ({data.tokenizer_fingerprint}), "
            f"not with {tokenizer.name} ({tokenizer.fingerprint}). {advice}"
        )
    for name in ("validation_fraction", "validation_tokens", "tokens_per_shard", "special_tokens"):
        if getattr(data, name) != getattr(settings, name):
            raise DataError(
                f"{where} was prepared with {name} {getattr(data, name)}, not {getattr(settings, name)}. {advice}"
            )
    same_files = isinstance(documents, DocumentReader) and documents.fingerprint == data.source_fingerprint
    lone = data.train.documents <= 1 and data.validation.documents <= 1  # split by position whatever the rule
    if same_files and (settings.split_rule == data.split_rule or lone):
        return
    if isinstance(documents, DocumentReader) and any(segment.hub_files for segment in documents.segments()):
        raise DataError(f"{where} was prepared from other files ({first_names(data.sources)}). {advice}")
    streams: Iterable[Iterable[Document]] = [documents]
    if isinstance(documents, DocumentReader):
        streams = (segment.documents(_nothing_to_fetch) for segment in documents.segments())
    cutter = ChunkCutter(
        streams,
        validation_fraction=settings.cut_fraction,
        settings="",
        by_position=True if settings.split_rule == "position" else None,
    )
    for _ in cutter:
        pass
    rule = "position" if cutter.by_position else settings.split_rule
    if rule != data.split_rule:
        raise DataError(f"{where} was split by {data.split_rule}, not by {settings.split_rule}. {advice}")
    if content_hash([segment.sha256 for segment in cutter.finished]) != data.content_sha256:
        raise DataError(f"{where} was prepared from other text ({first_names(data.sources) or 'documents'}). {advice}")


def content_hash(segment_hashes: list[str]) -> str:
    """One hash for the content of all segments; of a single one, its own."""
    if len(segment_hashes) == 1:
        return segment_hashes[0]
    return hashlib.sha256("".join(segment_hashes).encode()).hexdigest()


def _nothing_to_fetch(file: HubFile) -> Path:
    raise AssertionError(f"{file.name} is read although files on the Hub are known by their hashes")
