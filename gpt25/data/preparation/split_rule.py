"""By which rule a corpus is split where nobody says it: the one place that decides what few documents are."""

from collections.abc import Iterable, Sized
from itertools import chain, islice

from gpt25.data.sources.document import Document, SplitRule
from gpt25.data.sources.document_reader import DocumentReader
from gpt25.data.sources.part import WHOLE

FEW_DOCUMENTS = 100
"""Of so many, chosen by their content with a fraction of 0.05, none at all is held out once in 170 corpora."""


def chosen_split_rule(documents: Iterable[Document]) -> tuple[SplitRule, Iterable[Document]]:
    """For at most FEW_DOCUMENTS "position", which holds out the end of each, else "content"; and the documents to read.

    Files of a reader are counted no further than it takes; those on the Hub, and parts of a set, are taken for many.
    The first documents of an iterator, which can be read only once, are held in memory until they are counted.
    """
    if isinstance(documents, DocumentReader):
        many = documents.part != WHOLE or documents.reads_from_hub or documents.has_more_than(FEW_DOCUMENTS)
        return ("content" if many else "position"), documents
    if isinstance(documents, Sized):
        return ("content" if len(documents) > FEW_DOCUMENTS else "position"), documents
    stream = iter(documents)
    first = list(islice(stream, FEW_DOCUMENTS + 1))
    return ("content" if len(first) > FEW_DOCUMENTS else "position"), chain(first, stream)
