"""By which rule a corpus is split where nobody says it: the one place that decides what few documents are."""

from collections.abc import Iterable, Iterator, Sized
from itertools import chain, islice
from pathlib import Path

from gpt25.data.shards.prepared_data import DOWNLOADS_NAME, PARTIAL_NAME
from gpt25.data.sources.document import SPLITS, Document, Split, SplitRule, split_of
from gpt25.data.sources.document_reader import DocumentReader
from gpt25.data.sources.hub_download import download_hub_file

FEW_DOCUMENTS = 100
"""Of so many, chosen by their content with a fraction of 0.05, none at all is held out once in 170 corpora."""
_LARGEST_COUNTED_ON_THE_HUB_BYTES = 64 << 20


def chosen_split_rule(documents: Iterable[Document], directory: Path) -> tuple[SplitRule, Iterable[Document]]:
    """For at most FEW_DOCUMENTS "position", which holds out the end of each, else "content"; and the documents to read.

    Of a part, the documents of the whole set decide, as they do for its other parts. Files are counted no further than
    it takes. Those on the Hub are fetched to where a preparation in `directory` finds them, unless they are larger
    together than 64 MiB, which is taken for many documents. The first documents of an iterator, which can be read only
    once, are held in memory until they are counted.
    """
    if isinstance(documents, DocumentReader):
        whole = documents.whole
        on_hub = sum(file.size for segment in whole.segments() for file in segment.hub_files)
        many = on_hub > _LARGEST_COUNTED_ON_THE_HUB_BYTES or whole.has_more_than(
            FEW_DOCUMENTS, local_path=lambda file: download_hub_file(file, directory / PARTIAL_NAME / DOWNLOADS_NAME)
        )
        return ("content" if many else "position"), documents
    if isinstance(documents, Sized):
        return ("content" if len(documents) > FEW_DOCUMENTS else "position"), documents
    stream = iter(documents)
    first = list(islice(stream, FEW_DOCUMENTS + 1))
    return ("content" if len(first) > FEW_DOCUMENTS else "position"), chain(first, stream)


def split_parts(document: Document, rule: SplitRule, *, validation_fraction: float) -> list[tuple[Split, Document]]:
    """The pieces of a document with their splits: two by "position", else the whole, by its content."""
    if rule == "position" and 0 < validation_fraction < 1:
        return list(_cut_by_position(document, validation_fraction))
    return [(split_of(document, validation_fraction=validation_fraction), document)]


def _cut_by_position(document: Document, validation_fraction: float) -> Iterator[tuple[Split, Document]]:
    """The end of a document becomes validation, beginning with a line where one begins near the cut."""
    content = document.content
    cut = round(len(content) * (1 - validation_fraction))
    line_end = content.find(b"\n", cut, cut + (len(content) - cut) // 2)
    if line_end >= 0:
        cut = line_end + 1
    while cut < len(content) and content[cut] & 0xC0 == 0x80:  # never inside a UTF-8 character
        cut += 1
    done = len(content) if document.source_bytes is None else document.source_bytes
    for split, part in zip(SPLITS, (content[:cut], content[cut:]), strict=True):
        if part:
            yield split, Document(document.name, part, done)
            done = 0
