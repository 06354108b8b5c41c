"""Cut one text into documents where the corpus puts a separator of its own between them."""

import re
from collections.abc import Iterator


def separated(content: bytes, separator: str) -> Iterator[bytes]:
    r"""The documents between separators; a separator alone on its line goes with the whole line. Blank ones are none.

    separated(b"one\n<|endoftext|>\ntwo", "<|endoftext|>") -> b"one\n", b"two"
    """
    mark = re.escape(separator.encode("utf-8"))
    for piece in re.split(rb"(?:(?<=[\r\n])|\A)%b(?:\r\n|\n|\r|\Z)|%b" % (mark, mark), content):
        if piece.strip():
            yield piece
