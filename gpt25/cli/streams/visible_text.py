"""Text as a terminal may have it: control characters that could move its cursor or its colours are spelled out."""

import re

# C0 without tab and line feed (a carriage return that ends a line with one may stay), DEL and C1; then what turns the
# direction of writing round and what only some terminals take for a line's end. Joiners inside words and emoji stay.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LINE_ENDS = re.compile("\r?\n|\t")


def visible_text(text: str, *, in_one_line: bool = False) -> str:
    r"""visible_text("a\x1b[2J") -> "a\\x1b[2J", as Python writes it; line ends and tabs stay unless `in_one_line`.

    What file names, tensor names, generated text and error messages hold is others' words: raw, an escape sequence in
    them could clear the screen, or write over a line so that it reads as one of ours.
    """
    text = _CONTROL.sub(_spelled, text)
    return _LINE_ENDS.sub(_spelled, text) if in_one_line else text


def _spelled(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
