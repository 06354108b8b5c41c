"""Encode the sources segment by segment, so that what is done need neither be fetched nor read again."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from gpt25.data.preparation.chunks import ChunkCutter, ChunkRecord
from gpt25.data.preparation.encoding import encode_chunks
from gpt25.data.preparation.preparation_settings import PreparationSettings
from gpt25.data.preparation.segment_record import SegmentRecord, finished_segments
from gpt25.data.shards.prepared_data import DOWNLOADS_NAME
from gpt25.data.sources.document import Document
from gpt25.data.sources.hub_download import HubFetcher
from gpt25.data.sources.segment import Segment
from gpt25.storage import sha256_of_bytes


def encode_stream(
    documents: Iterable[Document],
    partial: Path,
    settings: PreparationSettings,
    processes: int,
    progress: Callable[[int], None] | None,
) -> tuple[list[ChunkRecord], list[str], bool]:
    """Chunks of documents that come from anywhere, their hash, and whether each was cut by position."""
    cutter = _cutter([documents], settings, first_chunk=0, by_position=None)
    encoded = _encoded(cutter, partial, settings, processes, progress)
    with closing(encoded):
        records = list(encoded)
    return records, [segment.sha256 for segment in cutter.finished], cutter.by_position


def is_begun(segments: list[Segment], partial: Path, settings: PreparationSettings) -> bool:
    """Whether the first segment was finished under these very settings; reads none of the sources."""
    return bool(segments) and bool(finished_segments(partial, _keys(segments[:1], settings)))


def _keys(segments: list[Segment], settings: PreparationSettings) -> list[str]:
    return [sha256_of_bytes(f"{settings.segment_settings} {segment.key}".encode()) for segment in segments]


def encode_segments(
    segments: list[Segment],
    partial: Path,
    settings: PreparationSettings,
    processes: int,
    progress: Callable[[int], None] | None,
    *,
    single_document_by_position: bool,
) -> Iterator[SegmentRecord]:
    """The records of all segments, in order, each as soon as its chunks are safe; those that are there are not read.

    single_document_by_position: whether a single document in all of them is to be cut by position.
    """
    keys = _keys(segments, settings)
    finished = finished_segments(partial, keys)
    yield from finished
    hub_files = [file for segment in segments for file in segment.hub_files]
    fetcher = HubFetcher(hub_files, partial / DOWNLOADS_NAME)
    for segment in segments[: len(finished)]:
        _release(segment, fetcher)
        if progress is not None:
            progress(segment.source_bytes)
    first_chunk = sum(len(record.chunks) for record in finished)
    left, left_keys = segments[len(finished) :], keys[len(finished) :]
    cutter = _cutter(
        (segment.documents(fetcher.path) for segment in left),
        settings,
        first_chunk=first_chunk,
        by_position=finished[0].by_position if finished else (None if single_document_by_position else False),
    )
    encoded = _encoded(cutter, partial, settings, processes, progress)
    written, begin = 0, 0
    records: list[ChunkRecord] = []

    def record_finished() -> Iterator[SegmentRecord]:
        nonlocal written, begin
        while written < len(cutter.finished) and cutter.finished[written].chunks_end <= first_chunk + len(records):
            cut, segment = cutter.finished[written], left[written]
            end = cut.chunks_end - first_chunk
            record = SegmentRecord(
                left_keys[written], cut.sha256, cutter.by_position, segment.counts, tuple(records[begin:end])
            )
            record.write(partial, len(finished) + written)
            _release(segment, fetcher)
            written, begin = written + 1, end
            yield record

    with closing(encoded):
        for chunk in encoded:
            records.append(chunk)
            yield from record_finished()
        yield from record_finished()
    assert written == len(left)


def _encoded(
    cutter: ChunkCutter,
    partial: Path,
    settings: PreparationSettings,
    processes: int,
    progress: Callable[[int], None] | None,
) -> Generator[ChunkRecord, None, None]:
    return encode_chunks(
        cutter,
        settings.tokenizer,
        partial,
        number_of_processes=processes,
        progress=progress,
        special_tokens=settings.special_tokens,
    )


def _release(segment: Segment, fetcher: HubFetcher) -> None:
    for file in segment.hub_files:
        fetcher.release(file)


def _cutter(
    streams: Iterable[Iterable[Document]], settings: PreparationSettings, *, first_chunk: int, by_position: bool | None
) -> ChunkCutter:
    if settings.split_rule == "position":
        by_position = 0 < settings.validation_fraction < 1
    return ChunkCutter(
        streams,
        validation_fraction=settings.cut_fraction,
        settings=settings.chunk_settings,
        first_chunk=first_chunk,
        by_position=by_position,
    )
