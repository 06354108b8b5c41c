"""Texts of one field of JSON lines, a line in memory at a time, or of the objects of one JSON array."""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any, BinaryIO

from gpt25.data.sources.text_policy import TextPolicy
from gpt25.errors import DataError
from gpt25.storage.text_encoding import UTF_8, encoding_of
from gpt25.storage.text_lines import byte_lines

_BLOCK_BYTES = 1 << 20


def json_texts(
    stream: BinaryIO, *, field: str, name: str, policy: TextPolicy, owns: Callable[[int], bool]
) -> Iterator[tuple[int, bytes, int]]:
    """(number, UTF-8 text, bytes of the stream) of every line, or entry of an array, that `owns` says yes to.

    `owns` is asked with the byte at which a line begins; an array begins, as a whole, at byte 0. null is an empty text.
    An array, and a file in UTF-16 or UTF-32, is held in memory entirely. Blank lines and what the policy skips are left
    out. Raises DataError naming `name` and the line for what is no JSON object with a string in the field.
    """
    first = stream.read(_BLOCK_BYTES)
    # Whoever reads the file's beginning counts its mark: other parts see it too.
    encoding = policy.encoding_of(first) if owns(0) else encoding_of(first)
    place, last = len(encoding.mark), None
    blocks: Iterable[bytes] = chain([first[place:]], iter(partial(stream.read, _BLOCK_BYTES), b""))
    if encoding.codec != UTF_8.codec:
        content = b"".join(blocks)
        decoded = policy.text_from_bytes(content, where=name, first_byte=place, encoding=encoding)
        if decoded is None:
            return
        last = max(len(content) - 1, 0)  # as UTF-8 it may be longer than the file, which is shared by its bytes
        content = decoded[0].encode("utf-8")
        first, place, blocks = content[:_BLOCK_BYTES], 0, [content]
    if first[place:].lstrip()[:1] == b"[":
        if owns(0):
            yield from _of_array(b"".join(blocks), field=field, name=name, policy=policy, first_byte=place)
        return
    for number, line in enumerate(byte_lines(blocks), start=1):
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
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{where} is not JSON: {problem}. {advice}") from problem


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
