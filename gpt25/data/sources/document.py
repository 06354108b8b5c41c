"""A document and the split it belongs to."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Split = Literal["train", "validation"]
# "first": the first tokens of all are validation, as in llm.c's FineWeb.
SplitRule = Literal["content", "position", "first"]
SPLITS: tuple[Split, Split] = ("train", "validation")


@dataclass(frozen=True)
class Document:
    """One text: where it came from, for messages, and its bytes (UTF-8, if our readers made it)."""

    name: str
    content: bytes
    source_bytes: int | None = field(default=None, compare=False)
    """Bytes of its file that are done with this document, where they are not its content's: for progress."""

    @cached_property
    def sha256(self) -> bytes:
        """The content's SHA-256, 32 bytes; the name plays no part."""
        return hashlib.sha256(self.content).digest()


def split_of(document: Document, *, validation_fraction: float) -> Split:
    """The split that a document's content decides, on every machine and in every order the same.

    The first eight bytes of the SHA-256, read as a fraction of 2**64, fall below `validation_fraction` or not.
    Equal contents land on the same side, so a duplicate never leaks from training into validation.
    """
    value = int.from_bytes(document.sha256[:8], "big")
    return "validation" if value < validation_fraction * 2**64 else "train"
