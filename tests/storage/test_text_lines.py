"""Lines end in \\n, \\r\\n or a lone \\r, whatever the size of the blocks that they are read in."""

import pytest

from gpt25.storage import text_lines, with_newlines
from gpt25.storage.text_lines import byte_lines

TEXT = "one\r\ntwo\rthree\n\nfour\u2028\x85\x0b\x0c\x1c more\r\r\nlast"
LINES = ["one", "two", "three", "", "four\u2028\x85\x0b\x0c\x1c more", "", "last"]


def test_nothing_but_line_breaks_ends_a_line() -> None:
    assert text_lines(TEXT) == LINES
    assert text_lines("") == []
    assert text_lines("a\n") == ["a"]
    assert with_newlines(TEXT) == "\n".join(LINES)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_has_the_same_lines_in_blocks_of_any_size(size: int) -> None:
    content = TEXT.encode()
    blocks = [content[start : start + size] for start in range(0, len(content), size)]
    lines = list(byte_lines(blocks))
    assert b"".join(lines) == content
    assert [with_newlines(line.decode()).removesuffix("\n") for line in lines] == LINES
