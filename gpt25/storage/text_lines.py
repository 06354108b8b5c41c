r"""Lines of text, the same for every reader: they end in \n, \r\n or a lone \r, and nowhere else.

`str.splitlines` cuts at U+0085, U+2028 and others besides, which are characters of a text.
"""

from collections.abc import Callable, Iterable, Iterator


def with_newlines(text: str) -> str:
    r"""The text with \n for every end of a line: with_newlines("a\r\nb\rc") -> "a\nb\nc"."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_lines(text: str) -> list[str]:
    r"""The lines without their ends: text_lines("a\r\n\nb\u2028c\n") -> ["a", "", "b\u2028c"]."""
    lines = with_newlines(text).split("\n")
    return lines if lines[-1] else lines[:-1]


def byte_lines(blocks: Iterable[bytes], *, require_size: Callable[[int], None] = lambda size: None) -> Iterator[bytes]:
    r"""The lines of a stream of blocks of UTF-8, each with its end: joined they are the stream; one line is in memory.

    `require_size` is told the bytes of every line while they grow, and raises where they are too many.

    byte_lines([b"a\r", b"\nb"]) -> b"a\r\n", b"b"
    """
    pieces: list[bytes] = []
    size = 0
    for block in blocks:
        if pieces and pieces[-1].endswith(b"\r") and not block.startswith(b"\n"):
            yield b"".join(pieces)
            pieces, size = [], 0
        lines = block.splitlines(keepends=True)  # of bytes: at \n, \r\n and \r alone
        for number, line in enumerate(lines, start=1):
            pieces.append(line)
            size += len(line)
            require_size(size)
            # A \r at the end of a block may be the first half of \r\n.
            if line.endswith(b"\n") or (line.endswith(b"\r") and number < len(lines)):
                yield b"".join(pieces)
                pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)
