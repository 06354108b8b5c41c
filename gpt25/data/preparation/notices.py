"""What a preparation should tell besides its figures, in words for people."""

from collections.abc import Sequence

from gpt25.data.shards.prepared_data import PreparedData
from gpt25.tokenizer.special_names import special_names_notice

_NAMED = 5


def notices(data: PreparedData, left_out: Sequence[str] = ()) -> list[str]:
    """A line or two for each thing that a reader of the figures might not expect.

    left_out: the reader's, files beside a set that are no documents.
    """
    said = []
    if left_out:
        names = ", ".join(left_out[:_NAMED]) + (" …" if len(left_out) > _NAMED else "")
        said.append(f"{len(left_out):,} files beside the set are no documents of it and were left out: {names}")
    count = data.special_token_names
    if count and data.special_tokens == "parse":
        said.append(f"names of special tokens in the text, {count:,} times, became these tokens")
    elif count:
        separators = "\ndocument-separator NAME cuts text files there."
        said.append(special_names_notice(count, what="the text") + separators)
    return said
