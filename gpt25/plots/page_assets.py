"""The scripts and styles of pages, and the hashes by which a content security policy allows a script."""

import base64
import hashlib
from importlib.resources import files


def page_asset(name: str) -> str:
    """The content of a file in pages/."""
    return (files("gpt25.plots") / "pages" / name).read_text(encoding="utf-8")


def script_hash(code: str) -> str:
    """The hash source by which a content security policy allows a script: its SHA-256 in base64."""
    return "sha256-" + base64.b64encode(hashlib.sha256(code.encode("utf-8")).digest()).decode("ascii")
