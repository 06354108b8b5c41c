"""GPT-2's alphabet: every byte has one printable character, so that tokens can stand in JSON and in a merge list.

The 188 bytes that are visible in Latin-1 stand for themselves; the other 68 take the characters from U+0100 on:
a space becomes "Ġ", a line feed "Ċ". Source: OpenAI's gpt-2 repository, src/encoder.py, bytes_to_unicode.
"""

_VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_HIDDEN = [byte for byte in range(256) if byte not in _VISIBLE]

BYTES_IN_GPT2_ORDER = bytes(_VISIBLE + _HIDDEN)
"""All 256 bytes in the order of GPT-2's first 256 token ids: "!" is 0, a space 220."""

_BYTE_TO_CHARACTER = {byte: chr(byte) for byte in _VISIBLE} | {
    byte: chr(0x100 + place) for place, byte in enumerate(_HIDDEN)
}
_CHARACTER_TO_BYTE = {ord(character): byte for byte, character in _BYTE_TO_CHARACTER.items()}


def to_visible(token: bytes) -> str:
    """Write a token in the alphabet: to_visible(b" the") -> "Ġthe"."""
    return token.decode("latin-1").translate(_BYTE_TO_CHARACTER)


def from_visible(text: str) -> bytes | None:
    """Read a token written in the alphabet, None if a character is not in it: from_visible("Ġthe") -> b" the"."""
    try:
        return bytes([_CHARACTER_TO_BYTE[ord(character)] for character in text])
    except KeyError:
        return None
