"""A vocabulary as other formats write it down: the text of every id, its kind, and the merges in order."""

import dataclasses
from typing import Literal

from gpt25.tokenizer.byte_alphabet import to_visible
from gpt25.tokenizer.vocabulary import Vocabulary

TokenKind = Literal["ordinary", "special", "plain", "unused"]
"""Made of text by merges; never made from text; standing for its own text wherever that occurs; no token at all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenTable:
    """Row n belongs to id n; texts of ordinary tokens and merges are written in GPT-2's alphabet."""

    texts: list[str]
    kinds: list[TokenKind]
    merges: list[str]
    """Two tokens with a space between, the earliest merge first: "Ġ t"."""


def token_table(vocabulary: Vocabulary) -> TokenTable:
    """Write a vocabulary down in rows; of one that was read or trained, no two have the same text."""
    rows: dict[int, tuple[str, TokenKind]] = {
        identifier: (to_visible(token), "ordinary") for token, identifier in vocabulary.ordinary.items()
    }
    rows |= {identifier: (text, "special") for text, identifier in vocabulary.special.items()}
    rows |= {identifier: (text, "plain") for text, identifier in vocabulary.plain.items()}
    unused: TokenKind = "unused"
    in_order = [rows.get(identifier, (f"[UNUSED{identifier}]", unused)) for identifier in range(vocabulary.size)]
    return TokenTable(
        texts=[text for text, _ in in_order],
        kinds=[kind for _, kind in in_order],
        merges=[f"{to_visible(left)} {to_visible(right)}" for left, right in vocabulary.merges],
    )
