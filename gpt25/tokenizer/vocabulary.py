"""What a byte-level BPE knows: its tokens, their ids, the order of its merges, and its special tokens."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from gpt25.errors import TokenizerError
from gpt25.tokenizer.byte_alphabet import from_visible, to_visible
from gpt25.tokenizer.merges import merges_of_ranks, stay_apart

END_OF_TEXT = "<|endoftext|>"
LARGEST_ID = (1 << 20) - 1  # far above any vocabulary; a table of all ids stays small

SPLIT_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""GPT-2's split of a text into pieces that merges never cross (src/encoder.py of OpenAI's gpt-2 repository)."""

_OPENAI_MERGES_SHA256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"  # of its vocab.bpe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Tokens and ids of a byte-level BPE with GPT-2's split pattern; checked on construction (TokenizerError)."""

    ordinary: Mapping[bytes, int]
    """Id of every token that text is made of: the 256 single bytes by id, then the merged ones in merge order."""
    special: Mapping[str, int]
    """Id of every token that is never made from text, by its text; `end_of_text` is one of them."""
    plain: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Id of every added token that stands for its text wherever that occurs, before any splitting.

    A token that merges make too, as "!" that serves as padding, has the same id here and among the ordinary ones.
    """
    end_of_text: str = END_OF_TEXT
    """The special token that separates documents."""

    def __post_init__(self) -> None:
        if self.end_of_text not in self.special:
            raise TokenizerError(f"the end-of-text token {self.end_of_text!r} is not among the special tokens.")
        missing = [byte for byte in range(256) if bytes([byte]) not in self.ordinary]
        if missing:
            raise TokenizerError(
                f"{len(missing)} of the 256 bytes have no token, the first is 0x{missing[0]:02x} "
                f"({to_visible(bytes(missing[:1]))!r}), so this is not a byte-level vocabulary. "
                "Train one with `gpt25 tokenizer train`."
            )
        ids = [*self.ordinary.values(), *self.special.values(), *self.plain.values()]
        if len(set(ids)) == len(ids) and min(ids) >= 0 and max(ids) <= LARGEST_ID:
            return  # nearly always; the texts below take their time
        texts: dict[int, str] = {}
        for text, identifier in self._texts():
            if not 0 <= identifier <= LARGEST_ID:
                raise TokenizerError(f"{text!r} has id {identifier}; ids are from 0 to {LARGEST_ID:,}.")
            if texts.setdefault(identifier, text) != text:
                raise TokenizerError(
                    f"id {identifier} is given twice, to {texts[identifier]!r} and to {text!r}; every id has one token."
                )

    def _texts(self) -> Iterator[tuple[str, int]]:
        """Every token as files write it, with its id."""
        yield from ((to_visible(token), identifier) for token, identifier in self.ordinary.items())
        yield from self.special.items()
        yield from self.plain.items()

    @functools.cached_property
    def size(self) -> int:
        """Number of ids, the largest and one; those between that no token has stay unused, as `tokenizers` has it."""
        return 1 + max(*self.ordinary.values(), *self.special.values(), *self.plain.values())

    @functools.cached_property
    def merges(self) -> list[tuple[bytes, bytes]]:
        """The merges in order of priority; worked out when first asked for, a quarter of a second for GPT-2's."""
        return merges_of_ranks(list(self.ordinary))

    def bytes_by_id(self) -> list[bytes]:
        """What each id decodes to; an added token is read in the alphabet if it can be, as Hugging Face does.

        An unused id decodes to nothing.
        """
        table = [b""] * self.size
        for token, identifier in self.ordinary.items():
            table[identifier] = token
        for text, identifier in [*self.special.items(), *self.plain.items()]:
            in_alphabet = from_visible(text)
            table[identifier] = text.encode("utf-8") if in_alphabet is None else in_alphabet
        return table

    def fingerprint(self) -> str:
        """SHA-256 over pattern, tokens in merge order with their ids, and added tokens with their kinds."""
        lines = [SPLIT_PATTERN]
        lines += [f"{token.hex()} {identifier}" for token, identifier in self.ordinary.items()]
        for kind, tokens in (("special", self.special), ("plain", self.plain)):
            lines += [f"{kind} {json.dumps(text)} {tokens[text]}" for text in sorted(tokens, key=tokens.__getitem__)]
        lines.append(f"end {json.dumps(self.end_of_text)}")
        return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


def ordinary_tokens(identifiers: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> dict[bytes, int]:
    """Build `Vocabulary.ordinary` from ids and a merge list that are written in GPT-2's alphabet.

    Raises TokenizerError for a merge that names an unknown token, uses one that no earlier merge makes, or can never
    apply: such a list would give other ids in engines that go by rank.
    """
    made = {to_visible(bytes([byte])): bytes([byte]) for byte in range(256)}
    singles = sorted((text for text in made if text in identifiers), key=identifiers.__getitem__)
    ordinary = {made[text]: identifiers[text] for text in singles}
    ranks = {token: rank for rank, token in enumerate(ordinary)}
    parents: dict[bytes, tuple[bytes, bytes]] = {}
    known_to_apply = _are_openais(merges)  # the most frequent list by far; it need not be proven at every start
    for number, (left_text, right_text) in enumerate(merges, start=1):
        text = left_text + right_text
        left, right, token = made.get(left_text), made.get(right_text), made.get(text)
        if token is not None and left is not None and right is not None:
            continue  # a second way to make the same token can never apply, see merges.py
        if text not in identifiers or left is None or right is None or left not in ranks or right not in ranks:
            raise _unusable(number, left_text, right_text, identifiers)
        token = left + right
        made[text], ordinary[token], ranks[token] = token, identifiers[text], len(ranks)
        if not known_to_apply and not stay_apart(left, right, ranks, parents):
            raise TokenizerError(
                f"merge {number} ({left_text!r}, {right_text!r}) can never apply, since earlier merges join its bytes "
                "in another way. A merge list that was put together by hand cannot be used; train one with "
                "`gpt25 tokenizer train`."
            )
        parents[token] = (left, right)
    return ordinary


def _are_openais(merges: Sequence[tuple[str, str]]) -> bool:
    """Whether this is the very list that OpenAI released with GPT-2."""
    lines = ["#version: 0.2", *map(" ".join, merges), ""]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest() == _OPENAI_MERGES_SHA256


def _unusable(number: int, left: str, right: str, identifiers: Mapping[str, int]) -> TokenizerError:
    """Why a merge cannot be: one of its three tokens has no id, or one of its parts is not there yet."""
    what = f"merge {number} ({left!r}, {right!r})"
    for text in (left, right, left + right):
        if text not in identifiers:
            return TokenizerError(f"{what} needs the unknown token {text!r}.")
    return TokenizerError(
        f"{what} joins what is neither a byte nor made by an earlier merge: this is not a byte-level BPE."
    )
