"""What happens to text that is not valid UTF-8: refuse, replace or skip, and count."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from gpt25.errors import ConfigurationError, DataError
from gpt25.storage.reading.field_types import Count
from gpt25.storage.text_encoding import (
    UTF_8,
    TextEncoding,
    damaged_beside_mark,
    encoding_of,
    extends_ascii,
    fault_at,
    likely_encoding,
    named_encoding,
)

InvalidUtf8 = Literal["strict", "replace", "skip"]
_SURROGATE = re.compile("[\ud800-\udfff]")
_OR_REPLACE = "or choose --invalid-utf8 replace (U+FFFD) or skip (leave the document out)."
_OR_SKIP = "--invalid-utf8 skip leaves the document out."


@dataclass
class DocumentCounts:
    """What a reader changed or left out, in documents; byte order marks are counted in files."""

    replaced: Count = 0
    skipped: Count = 0
    empty: Count = 0
    byte_order_marks: Count = 0


class TextPolicy:
    """Turns bytes and JSON strings into valid UTF-8 by one policy, and counts what it did in `counts`.

    encoding: what texts are in that carry no byte-order mark and are no UTF-8, by Python's name; of one in which ASCII
    means something else, such as UTF-16, all texts without a mark are.

    Each method returns None when the document is to be skipped, and raises DataError, beginning with `where`,
    under "strict". NUL and every other valid character pass unchanged.
    """

    def __init__(self, policy: InvalidUtf8, encoding: str | None = None) -> None:
        if policy not in get_args(InvalidUtf8):
            raise ConfigurationError(
                f"invalid UTF-8 can be handled by {', '.join(get_args(InvalidUtf8))}; not by {policy!r}"
            )
        self.policy = policy
        self.counts = DocumentCounts()
        named = None if encoding is None else _required_encoding(encoding)
        self._unmarked = UTF_8 if named is None or extends_ascii(named) else named
        self._fallback = named if self._unmarked is UTF_8 else None

    def encoding_of(self, beginning: bytes, *, counted: bool = True) -> TextEncoding:
        """The encoding that a file's first bytes or the user tell; a byte order mark is counted, being no text."""
        encoding = encoding_of(beginning)
        self.counts.byte_order_marks += counted and bool(encoding.mark)
        return encoding if encoding.mark else self._unmarked

    def bytes_from_file(self, content: bytes, *, where: str, declared: TextEncoding | None = None) -> bytes | None:
        """UTF-8 bytes of a whole file, without the byte order mark that tells its encoding.

        declared: what the file itself says that it is in, for where it is no UTF-8 and nobody named an encoding.
        """
        encoding = self.encoding_of(content)
        body = content[len(encoding.mark) :]
        decoded = self.text_from_bytes(
            body, where=where, first_byte=len(encoding.mark), encoding=encoding, declared=declared
        )
        if decoded is None:
            return None
        text, replaced = decoded
        self.counts.replaced += replaced
        return text.encode("utf-8")

    def text_from_bytes(
        self,
        content: bytes,
        *,
        where: str,
        first_byte: int = 0,
        encoding: TextEncoding = UTF_8,
        declared: TextEncoding | None = None,
    ) -> tuple[str, bool] | None:
        """(text, whether something was replaced); `first_byte` is where `content` begins in its file."""
        try:
            return content.decode(encoding.codec), False
        except UnicodeDecodeError as problem:
            fault, used = problem, encoding
        other = (self._fallback or declared) if encoding.codec == UTF_8.codec and not encoding.mark else None
        if other is not None:
            try:
                return content.decode(other.codec), False
            except UnicodeDecodeError as problem:
                fault, used = problem, other
        if self.policy == "strict":
            what = fault_at(first_byte + fault.start, fault, used)
            raise DataError(f"{where}: {what}. {_advice(content, used)}") from fault
        if self.policy == "skip":
            self.counts.skipped += 1
            return None
        return content.decode(used.codec, "replace"), True

    def bytes_from_text(self, text: str, *, where: str, replaced: bool = False) -> bytes | None:
        """UTF-8 bytes of a string that may hold lone surrogates, as JSON's escape of U+D800 does."""
        try:
            content = text.encode("utf-8")
        except UnicodeEncodeError as problem:
            if self.policy == "strict":
                raise DataError(
                    f"{where}: character {problem.start:,} (U+{ord(text[problem.start]):04X}) is a lone surrogate, "
                    f"which UTF-8 cannot hold. Mend the file, {_OR_REPLACE}"
                ) from problem
            if self.policy == "skip":
                self.counts.skipped += 1
                return None
            content = _SURROGATE.sub("\ufffd", text).encode("utf-8")
            replaced = True
        self.counts.replaced += replaced
        return content

    def skips(self) -> bool:
        """Whether a document that cannot be read at all is left out, which is then counted."""
        if self.policy != "skip":
            return False
        self.counts.skipped += 1
        return True


def _required_encoding(name: str) -> TextEncoding:
    encoding = named_encoding(name)
    if encoding is None:
        raise ConfigurationError(
            f"the encoding {name!r} is not one that Python knows; such are cp1252 (Windows, Western Europe), latin-1, "
            "cp1251, koi8-r, shift_jis, euc-kr, gb18030, big5 and utf-16-le."
        )
    return encoding


def _advice(content: bytes, used: TextEncoding) -> str:
    """What to do about bytes that are not in the encoding that they were read in."""
    if damage := damaged_beside_mark(used.mark + content):
        return f"{damage} {_OR_SKIP}"
    if used.codec != UTF_8.codec:
        return f"Name another encoding with --encoding, {_OR_REPLACE}"
    likely = likely_encoding(content)
    if likely is None:
        return f"Mend the file, name its encoding (--encoding cp1252), {_OR_REPLACE}"
    return f"It looks like {likely.name}: read it with --encoding {likely.codec}. {_OR_SKIP}"
