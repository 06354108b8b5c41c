"""What encoding the bytes of a text are in, and the text that they are: the one decoder of all readers."""

import codecs
from dataclasses import dataclass

from gpt25.errors import GPT25Error

# An old 8-bit encoding is suspected beyond so many bytes that are no UTF-8, and beyond one in so many.
_FEW_FAULTS, _BYTES_PER_FAULT = 3, 1000
_LEAST_NUL_SHARE = 0.1


@dataclass(frozen=True)
class TextEncoding:
    """An encoding by its name for people and by Python's, and the byte-order mark that told it, b"" for none."""

    name: str
    codec: str
    mark: bytes


UTF_8 = TextEncoding("UTF-8", "utf-8", b"")
_MARKED = (
    TextEncoding("UTF-8", "utf-8", codecs.BOM_UTF8),
    TextEncoding("UTF-32", "utf-32-le", codecs.BOM_UTF32_LE),  # before UTF-16, whose mark its own begins with
    TextEncoding("UTF-32", "utf-32-be", codecs.BOM_UTF32_BE),
    TextEncoding("UTF-16", "utf-16-le", codecs.BOM_UTF16_LE),
    TextEncoding("UTF-16", "utf-16-be", codecs.BOM_UTF16_BE),
)


def encoding_of(beginning: bytes) -> TextEncoding:
    r"""The encoding that a byte-order mark tells, UTF-8 without one: encoding_of(b"\xff\xfeH\0") is UTF-16."""
    return next((encoding for encoding in _MARKED if beginning.startswith(encoding.mark)), UTF_8)


def decode_text(content: bytes, *, where: str, error: type[GPT25Error]) -> str:
    """The text of a whole file or input, without the byte-order mark that chose its encoding; line ends stay.

    Raises `error`, whose message begins with `where`, naming the first byte that is no text, and how to convert it.
    """
    encoding = encoding_of(content)
    try:
        return content[len(encoding.mark) :].decode(encoding.codec)
    except UnicodeDecodeError as problem:
        place = len(encoding.mark) + problem.start
        advice = how_to_convert(content) or "Mend it, or convert it, for example with iconv -t utf-8."
        raise error(f"{where}: {fault_at(place, problem, encoding)}. {advice}") from problem


def fault_at(place: int, problem: UnicodeDecodeError, encoding: TextEncoding = UTF_8) -> str:
    """What stands at a byte of a file: `byte 4 (0xff) is not UTF-8: invalid start byte`."""
    byte = problem.object[problem.start]
    return f"byte {place:,} (0x{byte:02x}) is not {encoding.name}: {problem.reason}"


def how_to_convert(content: bytes) -> str | None:
    """The likely encoding of bytes that are no UTF-8 and how to convert them; None where they are UTF-8 but for a few.

    Where this names something, putting U+FFFD for the bytes at fault would ruin the text.
    """
    encoding = encoding_of(content)
    if encoding.name != UTF_8.name:
        return f"Its byte-order mark says {encoding.name}, so it is damaged or cut short: save or fetch it again."
    if content.count(0) >= _LEAST_NUL_SHARE * len(content) > 0:
        order = "LE" if content[1::2].count(0) >= content[::2].count(0) else "BE"
        return f"It looks like UTF-16 without a byte-order mark: convert it with iconv -f UTF-16{order} -t UTF-8."
    text = content.decode("utf-8", "replace")
    faults = text.count("\ufffd")
    others = sum(character > "\x7f" for character in text) - faults
    if faults > max(_FEW_FAULTS, len(content) // _BYTES_PER_FAULT, others):
        return (
            "It looks like an old 8-bit encoding, such as Windows-1252: convert it, for example with "
            "iconv -f WINDOWS-1252 -t UTF-8."
        )
    return None
