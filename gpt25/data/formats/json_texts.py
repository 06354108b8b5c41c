"""Texts of one field of JSON lines, a line in memory at a time, or of the objects of one JSON array."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

from gpt25.data.formats.reading_settings import ReadingSettings
from gpt25.data.formats.source_stream import require_document_size
from gpt25.data.formats.text_policy import TextPolicy
from gpt25.data.formats.utf8_blocks import utf8_blocks
from gpt25.errors import DataError
from gpt25.storage.reading.json_values import kind_in_words, parse_json
from gpt25.storage.text_lines import byte_lines

_LEAVE_OUT = "Mend the line, or leave such lines out with --invalid-utf8 skip."


def json_texts(
    stream: BinaryIO, *, settings: ReadingSettings, name: str, policy: TextPolicy, owns: Callable[[int], bool]
) -> Iterator[tuple[int, bytes, int]]:
    """(number, UTF-8 text, bytes of the stream) of every line, or entry of an array, that `owns` says yes to.

    `owns` is asked with the byte at which a line begins; an array begins, as a whole, at byte 0. null is an empty text.
    An array, and a file in UTF-16 or UTF-32, is held in memory entirely and is one document in size. Blank lines and
    what the policy skips are left out, with "skip" also lines that are no JSON. Raises DataError naming `name` and the
    line for what is no JSON object with a string in the field.
    """
    field = settings.field
    require_size = partial(require_document_size, largest_bytes=settings.largest_document_bytes)
    found = utf8_blocks(stream, settings=settings, name=name, policy=policy, begins_here=owns(0))
    if found is None:
        return
    place, last = found.first_byte, found.last_byte
    if found.beginning.lstrip()[:1] == b"[":
        if owns(0):
            content = found.joined(partial(require_size, where=name))
            yield from _of_array(content, field=field, name=name, policy=policy, first_byte=place)
        return
    number = 0

    def require_line_size(size: int) -> None:
        require_size(size, where=f"{name}, line {number + 1:,},")

    for number, line in enumerate(byte_lines(found.blocks, require_size=require_line_size), start=1):
        begin = 0 if number == 1 else place if last is None else min(place, last)
        if owns(begin) and line.strip():
            text = _text_of_line(line, field, where=f"{name}, line {number:,}", first_byte=place, policy=policy)
            if text is not None:
                yield number, text, len(line)
        place += len(line)


def _text_of_line(line: bytes, field: str, *, where: str, first_byte: int, policy: TextPolicy) -> bytes | None:
    """UTF-8 of one line's text; None for a line that the policy skips, also because it is no JSON."""
    decoded = policy.text_from_bytes(line, where=where, first_byte=first_byte)
    if decoded is None:
        return None
    try:
        row = _parsed(decoded[0], where, "JSON lines hold one complete object on every line. " + _LEAVE_OUT)
    except DataError:
        if policy.skips():
            return None
        raise
    return policy.bytes_from_text(_text_of(row, field, where=where), where=where, replaced=decoded[1])


def _of_array(
    content: bytes, *, field: str, name: str, policy: TextPolicy, first_byte: int
) -> Iterator[tuple[int, bytes, int]]:
    decoded = policy.text_from_bytes(content, where=name, first_byte=first_byte)
    if decoded is None:
        return
    rows = _parsed(decoded[0], name, "It begins like one JSON array, and an array must end with its bracket.")
    left = len(content)
    for number, row in enumerate(rows, start=1):
        where = f"{name}, entry {number:,}"
        text = policy.bytes_from_text(_text_of(row, field, where=where), where=where, replaced=decoded[1])
        if text is not None:
            share = left if number == len(rows) else len(content) // len(rows)
            left -= share
            yield number, text, share


def _parsed(text: str, where: str, advice: str) -> Any:
    try:
        return parse_json(text, where=where, error=DataError)
    except DataError as problem:
        raise DataError(f"{problem}. {advice}") from problem


def _text_of(row: Any, field: str, *, where: str) -> str:
    """The chosen field of one object; null is no text, as an empty cell of a table is."""
    if not isinstance(row, dict):
        raise DataError(
            f"{where} holds {kind_in_words(row)}, expected an object with the field {field!r}, which --field names"
        )
    if field not in row:
        names = ", ".join(sorted(map(repr, row))[:10]) or "none"
        raise DataError(f"{where} has no field {field!r}; its fields: {names}. Choose one with --field.")
    text = row[field]
    if text is not None and not isinstance(text, str):
        raise DataError(
            f"{where}: the field {field!r} holds {kind_in_words(text)}, expected a text. Choose another one with "
            "--field."
        )
    return text or ""
