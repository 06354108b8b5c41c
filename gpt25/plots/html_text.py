"""Text from anywhere as inert HTML."""

import html
import re
from typing import Any

_UNSHOWABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def text(content: Any) -> str:
    """A value as inert HTML text; control characters, and those that turn the reading direction, become U+FFFD."""
    shown = _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", str(content).replace("\r\n", "\n"))
    return html.escape(shown, quote=True)
