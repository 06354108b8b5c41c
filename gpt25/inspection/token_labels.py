"""Tokens as one can read them, spaces and line breaks too."""

from collections.abc import Iterable

from gpt25.tokenizer import Tokenizer

_VISIBLE = str.maketrans({" ": "·", "\n": "↵", "\t": "⇥", "\r": "←"})


def token_labels(tokenizer: Tokenizer, token_ids: Iterable[int]) -> list[str]:
    r"""One label for each token: token_labels(Tokenizer.gpt2(), [262, 198]) -> ["·the", "↵"].

    A space shows as "·", a line feed as "↵", a tab as "⇥", a carriage return as "←"; bytes that are only a part of
    a character, and what cannot be printed, as escapes such as "\xe2". An id beyond the tokenizer's, which a model with
    spare embeddings may predict, shows as "#50300".
    """
    return [_label(tokenizer, token_id) for token_id in token_ids]


def _label(tokenizer: Tokenizer, token_id: int) -> str:
    if token_id >= tokenizer.vocabulary_size:
        return f"#{token_id}"
    text = tokenizer.token_bytes(token_id).decode("utf-8", "backslashreplace").translate(_VISIBLE)
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)
