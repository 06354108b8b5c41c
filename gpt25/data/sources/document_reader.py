"""Read documents from files, one at a time: text, Python sources, JSON lines, Parquet, here or on the Hub."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path

from gpt25.data.formats.file_kind import WHOLE_FILES
from gpt25.data.formats.reading_settings import ReadingSettings
from gpt25.data.formats.source_stream import LARGEST_DOCUMENT_BYTES
from gpt25.data.formats.text_policy import DocumentCounts, InvalidUtf8
from gpt25.data.sources.document import Document
from gpt25.data.sources.hub_download import HubFetcher
from gpt25.data.sources.hub_listing import HubFile
from gpt25.data.sources.left_out import LeftOut
from gpt25.data.sources.part import WHOLE, Part
from gpt25.data.sources.segment import PlacedFile, Segment
from gpt25.data.sources.source_files import SourceFile, find_source_files, standard_library_files
from gpt25.errors import DataError

# A resumed preparation reads at most this much again, or one larger file; a file on the Hub is always by itself.
SEGMENT_BYTES = 256 << 20


class DocumentReader(Iterable[Document]):
    """The documents of some files, in order, read anew by every loop over it; memory holds one document.

    `counts` tells what the last loop replaced, skipped or found empty so far; `sources`, `settings` and `part` tell
    what was asked for, `left_out` what else the folders hold; `fingerprint` changes when a file, its size
    or its time, or a setting changes.
    """

    def __init__(
        self,
        files: Sequence[SourceFile],
        *,
        sources: Sequence[str],
        settings: ReadingSettings = ReadingSettings(),  # noqa: B008  # frozen: it can be shared
        part: Part = WHOLE,
        left_out: LeftOut = LeftOut(),  # noqa: B008
    ) -> None:
        self.sources = tuple(sources)
        self.settings = settings
        self.part = part
        self.left_out = left_out
        self._files = list(files)
        self._last_loop: list[Segment] = []

    @property
    def counts(self) -> DocumentCounts:
        """What the last loop over the documents changed or left out so far."""
        return sum_of_counts(segment.counts for segment in self._last_loop)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every file's path, size and time and over the settings; reads no content."""
        parts = [*self.settings.as_key, *(file.identity for file in self._files)]
        if self.part != WHOLE:
            parts.insert(0, str(self.part))
        return hashlib.sha256(json.dumps(parts).encode("utf-8")).hexdigest()

    @property
    def portable_fingerprint(self) -> str:
        """SHA-256 over every file's name without its folder, its size and the settings: equal for all parts of a set.

        Other machines keep the same files in other folders, with other times.
        """
        names = [(file.hub.name if file.hub else file.path.name, file.size) for file in self._files]
        return hashlib.sha256(json.dumps([*self.settings.as_key, names]).encode("utf-8")).hexdigest()

    @property
    def source_bytes(self) -> int:
        """Bytes of all files together as they lie there, or about those of the part."""
        return sum(segment.source_bytes for segment in self.segments())

    @property
    def whole(self) -> "DocumentReader":
        """The reader of all parts of the same sources."""
        return DocumentReader(self._files, sources=self.sources, settings=self.settings, left_out=self.left_out)

    def has_more_than(self, number_of_documents: int, *, local_path: Callable[[HubFile], Path] | None = None) -> bool:
        """Whether there are more documents; reads no more of them than it takes to know.

        local_path: fetches a file of the Hub; needed where there are any.
        """
        whole = WHOLE_FILES if self.settings.document_separator is None else WHOLE_FILES[1:]
        left = number_of_documents
        for segment in self.segments():
            for placed in segment.files:
                if placed.file.kind in whole:
                    left -= placed.file.size > 0  # each is one document
                else:
                    one = Segment([placed], settings=self.settings)
                    left -= sum(1 for _ in islice(one.documents(local_path or _nothing_to_fetch), left + 1))
                if left < 0:
                    return True
        return False

    def segments(self) -> list[Segment]:
        """The files in segments of SEGMENT_BYTES and more, one after the other; those outside the part left out."""
        sizes = [file.size for file in self._files]
        firsts = [0, *accumulate(sizes)]
        segments: list[Segment] = []
        group: list[PlacedFile] = []
        group_bytes = 0

        def close() -> None:
            nonlocal group_bytes
            group_bytes = 0
            if group:
                segments.append(Segment(group, settings=self.settings))
                group.clear()

        for file, first in zip(self._files, firsts[:-1], strict=True):
            placed = PlacedFile(file, first, firsts[-1], self.part)
            owned_bytes = placed.owned_bytes  # asks the disk
            if not (owned_bytes or placed.owns(0)):
                continue
            if file.hub is not None or (group and group[-1].file.hub is not None):
                close()
            group.append(placed)
            group_bytes += owned_bytes
            if group_bytes >= SEGMENT_BYTES:
                close()
        close()
        return segments

    def __iter__(self) -> Iterator[Document]:
        self._last_loop = self.segments()
        hub_files = [file for segment in self._last_loop for file in segment.hub_files]
        with tempfile.TemporaryDirectory(prefix="gpt25-hub-", ignore_cleanup_errors=True) as folder:
            fetcher = HubFetcher(hub_files, Path(folder))
            for segment in self._last_loop:
                yield from segment.documents(fetcher.path)
                for file in segment.hub_files:
                    fetcher.release(file)


def sum_of_counts(counts: Iterable[DocumentCounts]) -> DocumentCounts:
    """All counts together."""
    total = DocumentCounts()
    for one in counts:
        total.replaced += one.replaced
        total.skipped += one.skipped
        total.empty += one.empty
        total.byte_order_marks += one.byte_order_marks
    return total


def read_documents(
    sources: Sequence[str | Path],
    *,
    field: str = "text",
    encoding: str | None = None,
    invalid_utf8: InvalidUtf8 = "strict",
    document_separator: str | None = None,
    part: Part = WHOLE,
    largest_document_bytes: int = LARGEST_DOCUMENT_BYTES,
    output: str | Path | None = None,
) -> DocumentReader:
    """Documents of files, folders and globs, in the order given and sorted within a folder or glob.

    A name that ends in .jsonl, .ndjson or .json holds JSON lines, or one JSON array, whose `field` is the text of one
    document each; .csv, .tsv and .parquet (with the extra `data`) hold rows, whose column `field` is. Of .html (with
    the extra `data`) the visible text is the document, of .ipynb the cells; any other file is one as it is. All but
    Parquet may be compressed (.gz, or .zst with the extra `data`). The word "standard-library" stands for this
    Python's own sources, hf://datasets/OWNER/NAME/PATH for files on the Hugging Face Hub, "fineweb" and "fineweb-edu"
    for their samples of ten billion tokens there. A byte order mark at a file's start chooses UTF-8, UTF-16 or UTF-32
    and is dropped; empty documents (also null, and empty cells) are left out; both are counted. What a folder holds
    besides texts, such as hidden folders, pictures, a README beside tables, and tables and JSON lines whose beginning
    shows other fields than `field`, the reader's `left_out` tells; of a file that is named itself they are an error.

    encoding: of texts without such a mark that are no UTF-8, by Python's name; see TextPolicy.
    invalid_utf8: "strict" raises DataError naming file and byte, "replace" puts U+FFFD, "skip" leaves the document
    out; the last two are counted in the reader's `counts`. It also rules lone surrogates in JSON, and "skip" lines and
    rows that cannot be read at all.
    document_separator: what stands between the documents of a text file, such as <|endoftext|>; where it stands alone
    on a line, the line goes with it.
    part: only that part of the bytes of all sources: a row group, a JSON line or an indivisible file belongs to the
    part in which it begins.
    largest_document_bytes: a larger one, unpacked, raises DataError before it is all in memory.
    output: the directory that will be written, which is no source where it lies in one.
    """
    if isinstance(sources, str | Path):
        sources = [sources]
    if not sources:
        raise DataError("no source was named; name a text file, a folder, a glob, JSON lines or standard-library")
    settings = ReadingSettings(field, encoding, invalid_utf8, document_separator, largest_document_bytes)
    found = find_source_files(sources, output=output, settings=settings)
    return DocumentReader(
        found.files,
        sources=[str(source) for source in sources],
        settings=settings,
        part=part,
        left_out=found.left_out,
    )


def standard_library_documents(root: str | Path | None = None) -> DocumentReader:
    """The standard library's Python sources without tests, sorted by path, one document a file, in UTF-8."""
    files = standard_library_files(root)
    return DocumentReader(files, sources=["standard-library"])


def _nothing_to_fetch(file: HubFile) -> Path:
    raise AssertionError(f"{file.name} is read although files on the Hub are not counted")
