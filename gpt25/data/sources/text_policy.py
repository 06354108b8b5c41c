"""What happens to text that is not valid UTF-8: refuse, replace or skip, and count."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from gpt25.errors import ConfigurationError, DataError
from gpt25.storage.reading.field_types import Count
from gpt25.storage.text_encoding import UTF_8, TextEncoding, encoding_of, fault_at, how_to_convert

InvalidUtf8 = Literal["strict", "replace", "skip"]
_SURROGATE = re.compile("[\ud800-\udfff]")
_ADVICE = "Mend the file, or choose replace (U+FFFD) or skip (leave the document out) for invalid UTF-8."
_OR_SKIP = "Choosing skip for invalid UTF-8 leaves the document out."


@dataclass
class DocumentCounts:
    """What a reader changed or left out, in documents; byte order marks are counted in files."""

    replaced: Count = 0
    skipped: Count = 0
    empty: Count = 0
    byte_order_marks: Count = 0


class TextPolicy:
    """Turns bytes and JSON strings into valid UTF-8 by one policy, and counts what it did in `counts`.

    Each method returns None when the document is to be skipped, and raises DataError, beginning with `where`,
    under "strict". NUL and every other valid character pass unchanged.
    """

    def __init__(self, policy: InvalidUtf8) -> None:
        if policy not in get_args(InvalidUtf8):
            raise ConfigurationError(
                f"invalid UTF-8 can be handled by {', '.join(get_args(InvalidUtf8))}; not by {policy!r}"
            )
        self.policy = policy
        self.counts = DocumentCounts()

    def encoding_of(self, beginning: bytes) -> TextEncoding:
        """The encoding that a file's first bytes tell; a byte order mark is counted, being no text."""
        encoding = encoding_of(beginning)
        self.counts.byte_order_marks += bool(encoding.mark)
        return encoding

    def bytes_from_file(self, content: bytes, *, where: str) -> bytes | None:
        """UTF-8 bytes of a whole file, without the byte order mark that tells its encoding."""
        encoding = self.encoding_of(content)
        body = content[len(encoding.mark) :]
        decoded = self.text_from_bytes(body, where=where, first_byte=len(encoding.mark), encoding=encoding)
        if decoded is None:
            return None
        text, replaced = decoded
        self.counts.replaced += replaced
        return text.encode("utf-8") if replaced or encoding.codec != UTF_8.codec else body

    def text_from_bytes(
        self, content: bytes, *, where: str, first_byte: int = 0, encoding: TextEncoding = UTF_8
    ) -> tuple[str, bool] | None:
        """(text, whether something was replaced); `first_byte` is where `content` begins in its file."""
        try:
            return content.decode(encoding.codec), False
        except UnicodeDecodeError as problem:
            if self.policy == "strict":
                other = how_to_convert(encoding.mark + content)
                advice = _ADVICE if other is None else f"{other} {_OR_SKIP}"
                fault = fault_at(first_byte + problem.start, problem, encoding)
                raise DataError(f"{where}: {fault}. {advice}") from problem
            if self.policy == "skip":
                self.counts.skipped += 1
                return None
            return content.decode(encoding.codec, "replace"), True

    def bytes_from_text(self, text: str, *, where: str, replaced: bool = False) -> bytes | None:
        """UTF-8 bytes of a string that may hold lone surrogates, as JSON's escape of U+D800 does."""
        try:
            content = text.encode("utf-8")
        except UnicodeEncodeError as problem:
            if self.policy == "strict":
                raise DataError(
                    f"{where}: character {problem.start:,} (U+{ord(text[problem.start]):04X}) is a lone surrogate, "
                    f"which UTF-8 cannot hold. {_ADVICE}"
                ) from problem
            if self.policy == "skip":
                self.counts.skipped += 1
                return None
            content = _SURROGATE.sub("\ufffd", text).encode("utf-8")
            replaced = True
        self.counts.replaced += replaced
        return content
