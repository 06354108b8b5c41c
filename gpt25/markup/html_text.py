"""Text from anywhere as inert HTML."""

import html
import re
from typing import Any

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def text(content: Any) -> str:
    """A value as inert HTML text; control characters, bidirectional ones included, become U+FFFD."""
    printable = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(content).replace("\r\n", "\n"))
    return html.escape(printable, quote=True)
