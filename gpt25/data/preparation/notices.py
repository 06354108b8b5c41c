"""What a preparation should tell besides its figures, in words for people."""

from gpt25.counted import counted
from gpt25.data.shards.prepared_data import PreparedData
from gpt25.data.sources.left_out import LeftOut
from gpt25.tokenizer.special_names import special_names_notice


def notices(data: PreparedData, left_out: LeftOut = LeftOut()) -> list[str]:  # noqa: B008  # frozen
    """A line or two for each thing that a reader of the figures might not expect; `left_out` is the reader's."""
    said = left_out.in_words()
    count = data.special_token_names
    if count and data.special_tokens == "parse":
        said.append(f"names of special tokens in the text, {counted(count, 'times')}, became these tokens")
    elif count:
        separators = "\n--document-separator NAME cuts text files there."
        said.append(special_names_notice(count, what="the text") + separators)
    return said
