"""An interactive page: one HTML file with its data, its style and its script; it fetches nothing."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpt25.markup import text
from gpt25.plots.page_assets import page_asset, script_hash
from gpt25.plots.page_style import REPORT_STYLE
from gpt25.storage import write_text
from gpt25.version import __version__


def write_page(
    output: str | Path, *, title: str, eyebrow: str, lead: str, script: str, content: Any, shared: Sequence[str] = ()
) -> None:
    """Write a page whose script draws `content` (anything that JSON has) into its <main>, atomically.

    script: the file in pages/ that knows this kind of picture; figures.js, which all of them use, stands before it, and
    behind that the files of `shared`.
    Only these scripts may run, by their hashes: nothing that stands in the content can add one. Raises StorageError
    where the file cannot be written.
    """
    code = "".join(page_asset(name) for name in ("figures.js", *shared, script))
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src '{script_hash(code)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    # "<" could end the element and "&" begin an entity for a careless reader; JSON can spell both otherwise.
    payload = json.dumps(content, allow_nan=False).replace("<", "\\u003c").replace("&", "\\u0026")
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{text(title)}</title>",
        f"<style>{REPORT_STYLE}{page_asset('page.css')}</style></head><body><main>",
        f'<header><p class="eyebrow">{text(eyebrow)}</p><h1>{text(title)}</h1>',
        f'<p class="lead">{text(lead)}</p></header>',
        '<div id="picture"><noscript>This picture is drawn by a script, which the browser was told not to run.'
        "</noscript></div>",
        f"<footer>Written by gpt25 {text(__version__)}. This page loads nothing.</footer>",
        '</main><div id="tip" role="status"></div>',
        f'<script type="application/json" id="content">{payload}</script>',
        f"<script>{code}</script></body></html>",
    ]
    write_text(output, "\n".join(parts) + "\n")
