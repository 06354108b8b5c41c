"""Texts of one field of JSON lines, a line in memory at a time, or of the objects of one JSON array."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any, BinaryIO

from gpt25.data.sources.reading_settings import ReadingSettings
from gpt25.data.sources.source_stream import require_document_size
from gpt25.data.sources.text_policy import TextPolicy
from gpt25.errors import DataError
from gpt25.storage.reading.json_values import parse_json
from gpt25.storage.text_encoding import UTF_8, encoding_of
from gpt25.storage.text_lines import byte_lines

_BLOCK_BYTES = 1 << 20


def json_texts(
    stream: BinaryIO, *, settings: ReadingSettings, name: str, policy: TextPolicy, owns: Callable[[int], bool]
) -> Iterator[tuple[int, bytes, int]]:
    """(number, UTF-8 text, bytes of the stream) of every line, or entry of an array, that `owns` says yes to.

    `owns` is asked with the byte at which a line begins; an array begins, as a whole, at byte 0. null is an empty text.
    An array, and a file in UTF-16 or UTF-32, is held in memory entirely and is one document in size. Blank lines and
    what the policy skips are left out. Raises DataError naming `name` and the line for what is no JSON object with a
    string in the field.
    """
    field = settings.field
    require_size = partial(require_document_size, largest_bytes=settings.largest_document_bytes)
    first = stream.read(_BLOCK_BYTES)
    # Whoever reads the file's beginning counts its mark: other parts see it too.
    encoding = policy.encoding_of(first) if owns(0) else encoding_of(first)
    place, last = len(encoding.mark), None
    blocks: Iterable[bytes] = chain([first[place:]], iter(partial(stream.read, _BLOCK_BYTES), b""))
    if encoding.codec != UTF_8.codec:
        content = _joined(blocks, partial(require_size, where=name))
        decoded = policy.text_from_bytes(content, where=name, first_byte=place, encoding=encoding)
        if decoded is None:
            return
        last = max(len(content) - 1, 0)  # as UTF-8 it may be longer than the file, which is shared by its bytes
        content = decoded[0].encode("utf-8")
        first, place, blocks = content[:_BLOCK_BYTES], 0, [content]
    if first[place:].lstrip()[:1] == b"[":
        if owns(0):
            yield from _of_array(
                _joined(blocks, partial(require_size, where=name)),
                field=field,
                name=name,
                policy=policy,
                first_byte=place,
            )
        return
    number = 0

    def require_line_size(size: int) -> None:
        require_size(size, where=f"{name}, line {number + 1:,},")

    for number, line in enumerate(byte_lines(blocks, require_size=require_line_size), start=1):
        begin = 0 if number == 1 else place if last is None else min(place, last)
        if owns(begin) and line.strip():
            where = f"{name}, line {number:,}"
            decoded = policy.text_from_bytes(line, where=where, first_byte=place)
            if decoded is not None:
                row = _parsed(decoded[0], where, "JSON lines hold one complete object on every line.")
                text = _text_of(row, field, where=where)
                found = policy.bytes_from_text(text, where=where, replaced=decoded[1])
                if found is not None:
                    yield number, found, len(line)
        place += len(line)


def _joined(blocks: Iterable[bytes], require_size: Callable[[int], None]) -> bytes:
    pieces, total = [], 0
    for block in blocks:
        total += len(block)
        require_size(total)
        pieces.append(block)
    return b"".join(pieces)


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
        raise DataError(f"{where} holds {type(row).__name__}, expected an object with the field {field!r}")
    if field not in row:
        names = ", ".join(sorted(map(repr, row))[:10]) or "none"
        raise DataError(f"{where} has no field {field!r}; its fields: {names}. Choose one with --field.")
    text = row[field]
    if text is not None and not isinstance(text, str):
        raise DataError(f"{where}: the field {field!r} holds {type(text).__name__}, expected a string")
    return text or ""
