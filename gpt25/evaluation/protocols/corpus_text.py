"""A text to score, and by what its loss is divided."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CorpusText:
    """One document: what the model reads, and the size of the original that figures are given per word or byte of."""

    text: str
    words: int
    """White-space separated words of the tokenised original, as in the benchmark's own perplexities."""
    bytes: int
    """UTF-8 bytes of the original."""
    characters: int
    """Unicode characters of the original."""

    @classmethod
    def of(cls, original: str, text: str | None = None) -> "CorpusText":
        """A document that is read as `text` (by default as it is) and measured as `original`."""
        return cls(
            text=original if text is None else text,
            words=len(original.split()),
            bytes=len(original.encode("utf-8")),
            characters=len(original),
        )
