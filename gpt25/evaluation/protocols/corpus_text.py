"""A text to score, and by what its loss is divided."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class CorpusText:
    """One document: what the model reads, and the size of the original that figures are given per word or byte of."""

    text: str
    words: int
    """Words of the tokenised original, separated by white space, as in the benchmark's own perplexities."""
    bytes: int
    """UTF-8 bytes of the original."""
    characters: int
    """Unicode characters of the original."""
    parts: tuple["CorpusText", ...] = field(default=(), repr=False)
    """What it consists of, one after the other, where two models are to be compared part by part."""
    kind_of_parts: str = field(default="", repr=False)
    """What a part is, in the plural: "articles"."""

    @classmethod
    def of(cls, original: str, text: str | None = None) -> "CorpusText":
        """A document that is read as `text` (by default as it is) and measured as `original`."""
        return cls(
            text=original if text is None else text,
            words=len(original.split()),
            bytes=len(original.encode("utf-8")),
            characters=len(original),
        )

    @classmethod
    def of_parts(cls, parts: Sequence["CorpusText"], *, kind: str) -> "CorpusText":
        """One document of several that are read as one text."""
        whole = cls(
            text="".join(part.text for part in parts),
            words=sum(part.words for part in parts),
            bytes=sum(part.bytes for part in parts),
            characters=sum(part.characters for part in parts),
        )
        return replace(whole, parts=tuple(parts), kind_of_parts=kind)
