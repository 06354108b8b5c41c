"""What a preparation remembers of a segment of its sources whose chunks are all on the disk."""

from dataclasses import asdict, dataclass
from pathlib import Path

from gpt25.data.formats.text_policy import DocumentCounts
from gpt25.data.preparation.chunks import ChunkRecord, chunk_path, read_chunk
from gpt25.errors import StorageError
from gpt25.storage import is_file, read_record, write_json


@dataclass(frozen=True)
class SegmentRecord:
    """A finished segment: its key, the hash of its content, what its reader counted, and its chunks."""

    key: str
    sha256: str
    by_position: bool
    counts: DocumentCounts
    chunks: tuple[ChunkRecord, ...]

    def write(self, folder: Path, number: int) -> None:
        """Write it atomically: from then on its sources need not be read again."""
        write_json(_path(folder, number), asdict(self))


def finished_segments(folder: Path, keys: list[str]) -> list[SegmentRecord]:
    """The records of the segments that are finished, from the first on, up to the first that is not.

    A segment of another key, or one of whose chunks is not what it was, is not finished.
    """
    records: list[SegmentRecord] = []
    number_of_chunks = 0
    for number, key in enumerate(keys):
        record = _read(folder, number)
        if record is None or record.key != key:
            break
        numbers = range(number_of_chunks, number_of_chunks + len(record.chunks))
        on_disk = (
            read_chunk(chunk_path(folder, position), chunk.key)
            for position, chunk in zip(numbers, record.chunks, strict=True)
        )
        if any(there != chunk for there, chunk in zip(on_disk, record.chunks, strict=True)):
            break
        number_of_chunks += len(record.chunks)
        records.append(record)
    return records


def _path(folder: Path, number: int) -> Path:
    return folder / f"segment-{number:06d}.json"


def _read(folder: Path, number: int) -> SegmentRecord | None:
    path = _path(folder, number)
    if not is_file(path):
        return None
    try:
        return read_record(path, SegmentRecord, more_keys="refused")
    except StorageError:
        return None
