"""How large the sources of a preparation are, where that is known without reading them."""

from collections.abc import Iterable, Sequence

from gpt25.data.sources.document import Document
from gpt25.data.sources.document_reader import DocumentReader


def bytes_of_documents(documents: Iterable[Document]) -> int:
    """As many bytes as a whole preparation tells its progress; 0 for documents that pass by once."""
    if isinstance(documents, DocumentReader):
        return documents.source_bytes
    return sum(len(document.content) for document in documents) if isinstance(documents, Sequence) else 0
