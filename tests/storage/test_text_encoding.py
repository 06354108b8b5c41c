"""One decoder of text bytes: a byte-order mark chooses the encoding, and what is no text is named with what helps."""

import codecs

import pytest

from gpt25.errors import DataError, GenerationError
from gpt25.storage import decode_text
from gpt25.storage.text_encoding import encoding_of, how_to_convert

TEXT = "Zoë said: 猫 🙂\r\nand left.\n"


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_mark_chooses_the_encoding_and_is_no_text(mark: bytes, codec: str) -> None:
    content = mark + TEXT.encode(codec)
    assert (encoding_of(content).codec, encoding_of(content).mark) == (codec, mark)
    assert decode_text(content, where="a.txt", error=DataError) == TEXT


def test_only_the_first_mark_goes() -> None:
    assert decode_text(codecs.BOM_UTF8 * 2 + b"a", where="a.txt", error=DataError) == "\ufeffa"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"caf\xe9 au lait", r"a\.txt: byte 3 \(0xe9\) is not UTF-8: invalid continuation byte\. Mend it, or convert"),
        (codecs.BOM_UTF16_LE + b"a\0b", r"byte 4 \(0x62\) is not UTF-16: truncated data\. .* mark says UTF-16"),
        (
            "für Zoë, größer, älter".encode("latin-1"),
            "looks like Windows-1252, an old .* iconv -f WINDOWS-1252",
        ),
        ("Zürich ÿ".encode("utf-16-le"), "UTF-16 without a byte-order mark.*iconv -f UTF-16LE"),
        ("Zürich ÿ".encode("utf-16-be"), "UTF-16 without a byte-order mark.*iconv -f UTF-16BE"),
    ],
)
def test_what_is_no_text_is_named_with_how_to_convert_it(content: bytes, message: str) -> None:
    with pytest.raises(GenerationError, match=message):
        decode_text(content, where="a.txt", error=GenerationError)


def test_a_few_faults_in_utf8_are_no_other_encoding() -> None:
    assert how_to_convert("é".encode() * 50 + b"\xff" * 10) is None
    assert how_to_convert(b"plain " * 2000 + b"\xff" * 10) is None
    assert how_to_convert(b"plain " * 1000 + b"\xff" * 10) is not None
