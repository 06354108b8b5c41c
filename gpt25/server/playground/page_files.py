"""The files of the page, as they lie in the package."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePath

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class PageFile:
    """One file that a browser is given."""

    content: bytes
    kind: str
    """Its media type."""
    tag: str
    """Changes with the content: a browser that holds this one is told so, and not sent it again."""


@cache
def page_files() -> dict[str, PageFile]:
    """All of them by name. A name that is asked for is looked up here, and never a path on the disk."""
    found = {}
    for entry in (files("gpt25.server.playground") / "pages").iterdir():
        kind = _KINDS.get(PurePath(entry.name).suffix)
        if kind is not None:
            content = entry.read_bytes()
            found[entry.name] = PageFile(content, kind, f'"{hashlib.sha256(content).hexdigest()[:16]}"')
    return found
