"""What decides the documents of a source, besides its bytes: the flags of every command that reads texts."""

from dataclasses import dataclass

from gpt25.data.formats.source_stream import LARGEST_DOCUMENT_BYTES
from gpt25.data.formats.text_policy import InvalidUtf8, TextPolicy
from gpt25.errors import ConfigurationError

NOT_OF_A_FOLDER = " Or name its folder instead: of a folder, files without the field are left out."
"""What helps beside --field where a file that was named itself lacks the field."""


@dataclass(frozen=True)
class ReadingSettings:
    """How texts are read."""

    field: str = "text"
    """The field of each JSON line, or the column of a table (CSV, TSV, Parquet), that is the text."""
    encoding: str | None = None
    """What texts are in that are no UTF-8 and have no byte-order mark, such as cp1252 or shift_jis."""
    invalid_utf8: InvalidUtf8 = "strict"
    """Text that is not in its encoding: stop, put U+FFFD in its place, or leave the document out; skip also leaves out
    lines and rows that cannot be read."""
    document_separator: str | None = None
    """What stands between the documents of one text file, such as <|endoftext|>; without it a file is one document."""
    largest_document_bytes: int = LARGEST_DOCUMENT_BYTES
    """The most bytes that one document may have, unpacked; it takes about five times as much memory."""

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
        self.policy()

    @property
    def as_key(self) -> list[str]:
        """The settings as a key is made of them; those without a separator or an encoding keep theirs.

        The largest size is none of them: more is an error, so that it decides no document.
        """
        separator = [] if self.document_separator is None else [self.document_separator]
        encoding = [] if self.encoding is None else ["encoding", self.encoding]
        return [self.field, self.invalid_utf8, *separator, *encoding]

    def policy(self) -> TextPolicy:
        """What decodes texts by these settings, with its own counts; ConfigurationError for what it does not know."""
        return TextPolicy(self.invalid_utf8, self.encoding)
