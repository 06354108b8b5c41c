"""What decides the documents of a source, besides its bytes."""

from dataclasses import dataclass

from gpt25.data.sources.source_stream import LARGEST_DOCUMENT_BYTES
from gpt25.data.sources.text_policy import InvalidUtf8
from gpt25.errors import ConfigurationError


@dataclass(frozen=True)
class ReadingSettings:
    """The field of rows, the policy for invalid UTF-8, what stands between documents in one file, and their size."""

    field: str = "text"
    invalid_utf8: InvalidUtf8 = "strict"
    document_separator: str | None = None
    largest_document_bytes: int = LARGEST_DOCUMENT_BYTES
    """More is an error; it decides no document, so that it is no part of `as_key`."""

    def __post_init__(self) -> None:
        if self.document_separator is not None and not self.document_separator.strip():
            raise ConfigurationError(
                f"document_separator is {self.document_separator!r}; it must hold more than white space, such as "
                "<|endoftext|>"
            )
        if self.largest_document_bytes < 1:
            raise ConfigurationError(
                f"largest_document_bytes is {self.largest_document_bytes:,}; it must be at least 1"
            )

    @property
    def as_key(self) -> list[str]:
        """The settings as a key is made of them; those of before there were separators keep theirs."""
        separator = [] if self.document_separator is None else [self.document_separator]
        return [self.field, self.invalid_utf8, *separator]
