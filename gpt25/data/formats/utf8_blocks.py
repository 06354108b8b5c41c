"""A file of lines as blocks of UTF-8, whatever its byte-order mark or the user say that it is in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import BinaryIO

from gpt25.data.formats.reading_settings import ReadingSettings
from gpt25.data.formats.source_stream import require_document_size
from gpt25.data.formats.text_policy import TextPolicy
from gpt25.storage.text_encoding import UTF_8

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Utf8Blocks:
    """The bytes behind the mark: `blocks` in order, of which `beginning` is a copy of the first.

    `first_byte` is where they begin in the file. `last_byte`: where the file ends, if the blocks are longer than it.
    """

    beginning: bytes
    blocks: Iterable[bytes]
    first_byte: int
    last_byte: int | None = None

    def joined(self, require_size: Callable[[int], None]) -> bytes:
        """All of them; `require_size` is told the bytes while they grow."""
        pieces, total = [], 0
        for block in self.blocks:
            total += len(block)
            require_size(total)
            pieces.append(block)
        return b"".join(pieces)


def utf8_blocks(
    stream: BinaryIO, *, settings: ReadingSettings, name: str, policy: TextPolicy, begins_here: bool = True
) -> Utf8Blocks | None:
    """The blocks of a stream; None for a file that the policy skips.

    A file in UTF-16 or UTF-32 is decoded in memory as a whole, and counts as one document in size. `begins_here`:
    whether this reader counts the file's mark, which the readers of its other parts see too.
    """
    first = stream.read(_BLOCK_BYTES)
    encoding = policy.encoding_of(first, counted=begins_here)
    place = len(encoding.mark)
    rest: Iterable[bytes] = iter(partial(stream.read, _BLOCK_BYTES), b"")
    found = Utf8Blocks(first[place:], chain([first[place:]], rest), place)
    if encoding.codec == UTF_8.codec:
        return found
    content = found.joined(partial(require_document_size, where=name, largest_bytes=settings.largest_document_bytes))
    decoded = policy.text_from_bytes(content, where=name, first_byte=place, encoding=encoding)
    if decoded is None:
        return None
    text = decoded[0].encode("utf-8")
    return Utf8Blocks(text[:_BLOCK_BYTES], [text], 0, max(len(content) - 1, 0))
