"""What encoding the bytes of a text are in, and the text that they are: the one decoder of all readers."""

import codecs
from dataclasses import dataclass

from gpt25.errors import GPT25Error

# An old 8-bit encoding is suspected beyond so many bytes that are no UTF-8, and beyond one in so many.
_FEW_FAULTS, _BYTES_PER_FAULT = 3, 1000
_LEAST_NUL_SHARE = 0.1
_BYTES_OF_A_GUESS = 1 << 16
_ICONV_NAMES = {"utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE", "cp1252": "WINDOWS-1252"}


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
_WINDOWS_1252 = TextEncoding("Windows-1252, an old 8-bit encoding", "cp1252", b"")


def encoding_of(beginning: bytes) -> TextEncoding:
    r"""The encoding that a byte-order mark tells, UTF-8 without one: encoding_of(b"\xff\xfeH\0") is UTF-16."""
    return next((encoding for encoding in _MARKED if beginning.startswith(encoding.mark)), UTF_8)


def named_encoding(name: str) -> TextEncoding | None:
    """The encoding of a name that Python knows, without a mark; None for one that it does not, or that is no text's."""
    try:
        codec = codecs.lookup(name).name
        b"text".decode(codec, "replace")
    except (LookupError, UnicodeError, ValueError):
        return None
    return TextEncoding(name, codec, b"")


def extends_ascii(encoding: TextEncoding) -> bool:
    """Whether ASCII means the same in it, as in all but UTF-16, UTF-32, EBCDIC and encodings of seven bits."""
    ascii_bytes = bytes(range(0x20, 0x7F)) + b"\t\n\r\x1b(B"
    return ascii_bytes.decode(encoding.codec, "replace") == ascii_bytes.decode("ascii")


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
    if damage := damaged_beside_mark(content):
        return damage
    likely = likely_encoding(content)
    if likely is None:
        return None
    name = _ICONV_NAMES.get(likely.codec, likely.codec.upper().replace("_", "-"))
    return f"It looks like {likely.name}: convert it, for example with iconv -f {name} -t UTF-8."


def damaged_beside_mark(content: bytes) -> str | None:
    """What to do about bytes whose byte-order mark tells an encoding that they are not in; None without such a mark."""
    encoding = encoding_of(content)
    if encoding.name == UTF_8.name:
        return None
    return f"Its byte-order mark says {encoding.name}, so it is damaged or cut short: save or fetch it again."


def likely_encoding(content: bytes) -> TextEncoding | None:
    """What bytes that are no UTF-8 are probably encoded in; None where they are UTF-8 but for a few faults.

    charset-normalizer guesses where it is installed. Of Western texts it cannot tell the neighbours of Windows-1252
    apart, so that this is named wherever it is among those that fit.
    """
    if unmarked := unmarked_utf16(content):
        return unmarked
    text = content.decode("utf-8", "replace")
    faults = text.count("\ufffd")
    others = sum(character > "\x7f" for character in text) - faults
    if faults <= max(_FEW_FAULTS, len(content) // _BYTES_PER_FAULT, others):
        return None
    return _guessed(content) or _WINDOWS_1252


def unmarked_utf16(content: bytes) -> TextEncoding | None:
    """UTF-16 in the order of bytes that the NULs between Western letters tell; None for all other bytes."""
    if content.count(0) < _LEAST_NUL_SHARE * len(content) or not content.count(0):
        return None
    even, odd = content[::2].count(0), content[1::2].count(0)
    if min(even, odd) > _LEAST_NUL_SHARE * max(even, odd):
        return None
    order = "le" if odd >= even else "be"
    return TextEncoding("UTF-16 without a byte-order mark", f"utf-16-{order}", b"")


def _guessed(content: bytes) -> TextEncoding | None:
    """The best guess of charset-normalizer at the bytes from the first that is not ASCII on."""
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return None
    first = next(place for place, byte in enumerate(content) if byte > 0x7F)
    begin = max(content.rfind(b" ", 0, first), content.rfind(b"\n", 0, first)) + 1
    guesses = from_bytes(content[begin : begin + _BYTES_OF_A_GUESS])
    best = guesses.best()
    fitting = {name for guess in guesses for name in (guess.encoding, *guess.could_be_from_charset)}
    if best is None or _WINDOWS_1252.codec in fitting:
        return None
    return TextEncoding(best.encoding, best.encoding, b"")
