"""From text to batches: documents, token shards in llm.c's format, and the order in which training reads them.

Names are imported when first used: preparing and showing data never loads torch, which only batches need.
"""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.data.fetching.public_sets import PUBLIC_SETS
    from gpt25.data.fetching.public_shards import is_fetched, list_public_set, list_shards
    from gpt25.data.fetching.shard_fetching import fetch_shards
    from gpt25.data.formats.reading_settings import ReadingSettings
    from gpt25.data.formats.source_stream import LARGEST_DOCUMENT_BYTES
    from gpt25.data.formats.text_policy import DocumentCounts, InvalidUtf8
    from gpt25.data.preparation.bare_tokens import adopt_bare_tokens
    from gpt25.data.preparation.notices import notices
    from gpt25.data.preparation.preparation import prepare
    from gpt25.data.preparation.split_rule import FEW_DOCUMENTS, chosen_split_rule, split_parts
    from gpt25.data.preparation.verification import verify
    from gpt25.data.shards.arriving_data import ArrivingData
    from gpt25.data.shards.batches import Batches
    from gpt25.data.shards.prepared_data import INDEX_NAME, PreparedData, PreparedSplit, ShardRecord
    from gpt25.data.shards.read_prepared_data import read_prepared_data
    from gpt25.data.shards.token_shards import TokenShards, open_arriving_shards, open_shards
    from gpt25.data.shards.validation import Validation
    from gpt25.data.sources.document import SPLITS, Document, Split, split_of
    from gpt25.data.sources.document_reader import DocumentReader, read_documents, standard_library_documents
    from gpt25.data.sources.hub_address import NAMED_SETS, NAMED_SETS_VALIDATION_TOKENS
    from gpt25.data.sources.part import WHOLE, Part

__all__ = [
    "FEW_DOCUMENTS",
    "INDEX_NAME",
    "LARGEST_DOCUMENT_BYTES",
    "NAMED_SETS",
    "NAMED_SETS_VALIDATION_TOKENS",
    "PUBLIC_SETS",
    "SPLITS",
    "WHOLE",
    "ArrivingData",
    "Batches",
    "Document",
    "DocumentCounts",
    "DocumentReader",
    "InvalidUtf8",
    "Part",
    "PreparedData",
    "PreparedSplit",
    "ReadingSettings",
    "ShardRecord",
    "Split",
    "TokenShards",
    "Validation",
    "adopt_bare_tokens",
    "chosen_split_rule",
    "fetch_shards",
    "is_fetched",
    "list_public_set",
    "list_shards",
    "notices",
    "open_arriving_shards",
    "open_shards",
    "prepare",
    "read_documents",
    "read_prepared_data",
    "split_of",
    "split_parts",
    "standard_library_documents",
    "verify",
]

lazy_face(
    __name__,
    {
        "ArrivingData": "shards.arriving_data",
        "Batches": "shards.batches",
        "Document": "sources.document",
        "DocumentCounts": "formats.text_policy",
        "DocumentReader": "sources.document_reader",
        "FEW_DOCUMENTS": "preparation.split_rule",
        "INDEX_NAME": "shards.prepared_data",
        "InvalidUtf8": "formats.text_policy",
        "LARGEST_DOCUMENT_BYTES": "formats.source_stream",
        "NAMED_SETS": "sources.hub_address",
        "NAMED_SETS_VALIDATION_TOKENS": "sources.hub_address",
        "PUBLIC_SETS": "fetching.public_sets",
        "Part": "sources.part",
        "PreparedData": "shards.prepared_data",
        "PreparedSplit": "shards.prepared_data",
        "ReadingSettings": "formats.reading_settings",
        "SPLITS": "sources.document",
        "ShardRecord": "shards.prepared_data",
        "Split": "sources.document",
        "TokenShards": "shards.token_shards",
        "Validation": "shards.validation",
        "WHOLE": "sources.part",
        "adopt_bare_tokens": "preparation.bare_tokens",
        "chosen_split_rule": "preparation.split_rule",
        "fetch_shards": "fetching.shard_fetching",
        "is_fetched": "fetching.public_shards",
        "list_public_set": "fetching.public_shards",
        "list_shards": "fetching.public_shards",
        "notices": "preparation.notices",
        "open_arriving_shards": "shards.token_shards",
        "open_shards": "shards.token_shards",
        "prepare": "preparation.preparation",
        "read_documents": "sources.document_reader",
        "read_prepared_data": "shards.read_prepared_data",
        "split_of": "sources.document",
        "split_parts": "preparation.split_rule",
        "standard_library_documents": "sources.document_reader",
        "verify": "preparation.verification",
    },
)
