"""From text to batches: documents, token shards in llm.c's format, and the order in which training reads them.

Names are imported when first used: preparing and showing data never loads torch, which only batches need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt25.data.batches import Batches
    from gpt25.data.document import SPLITS, Document, Split, split_of
    from gpt25.data.document_reader import DocumentReader, read_documents, standard_library_documents
    from gpt25.data.hub_address import NAMED_SETS, NAMED_SETS_VALIDATION_TOKENS
    from gpt25.data.part import Part
    from gpt25.data.preparation import prepare
    from gpt25.data.prepared_data import INDEX_NAME, PreparedData, PreparedSplit, ShardRecord
    from gpt25.data.pretokenized import PRETOKENIZED_SETS, fetch_shards, list_shards
    from gpt25.data.text_policy import DocumentCounts, InvalidUtf8
    from gpt25.data.token_shards import TokenShards, open_shards
    from gpt25.data.validation import Validation
    from gpt25.data.verification import verify

_HOMES = {
    "Batches": "batches",
    "Document": "document",
    "DocumentCounts": "text_policy",
    "DocumentReader": "document_reader",
    "INDEX_NAME": "prepared_data",
    "InvalidUtf8": "text_policy",
    "NAMED_SETS": "hub_address",
    "NAMED_SETS_VALIDATION_TOKENS": "hub_address",
    "PRETOKENIZED_SETS": "pretokenized",
    "Part": "part",
    "PreparedData": "prepared_data",
    "PreparedSplit": "prepared_data",
    "SPLITS": "document",
    "ShardRecord": "prepared_data",
    "Split": "document",
    "TokenShards": "token_shards",
    "Validation": "validation",
    "fetch_shards": "pretokenized",
    "list_shards": "pretokenized",
    "open_shards": "token_shards",
    "prepare": "preparation",
    "read_documents": "document_reader",
    "split_of": "document",
    "standard_library_documents": "document_reader",
    "verify": "verification",
}

__all__ = [
    "INDEX_NAME",
    "NAMED_SETS",
    "NAMED_SETS_VALIDATION_TOKENS",
    "PRETOKENIZED_SETS",
    "SPLITS",
    "Batches",
    "Document",
    "DocumentCounts",
    "DocumentReader",
    "InvalidUtf8",
    "Part",
    "PreparedData",
    "PreparedSplit",
    "ShardRecord",
    "Split",
    "TokenShards",
    "Validation",
    "fetch_shards",
    "list_shards",
    "open_shards",
    "prepare",
    "read_documents",
    "split_of",
    "standard_library_documents",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
