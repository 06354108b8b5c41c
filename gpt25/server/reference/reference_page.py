"""The API as a page: one hand-written document, with nothing from elsewhere."""

import base64
import hashlib
import html
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
:root { color-scheme: light dark }
code, pre { font: 14px/1.5 ui-monospace, monospace }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: 6px }
table { border-collapse: collapse; width: 100% }
td { border-top: 1px solid #8884; padding: .25rem .75rem .25rem 0; vertical-align: top }
h2 { font-size: 1.1rem; margin-top: 2rem }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
}
_EXAMPLE = """curl URL/v1/completions -H 'Content-Type: application/json' \\
  -d '{"prompt": "Hello, I am a language model,", "max_tokens": 20, "seed": 1}'"""


def reference_page(schema: dict[str, Any]) -> APIRouter:
    """A route for the page that an OpenAPI document describes."""
    content = _page(schema)
    router = APIRouter()

    @router.get("/docs", summary="This page", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(content, headers=_HEADERS)

    return router


def _page(schema: dict[str, Any]) -> str:
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>{html.escape(schema['info']['title'])}: the API</title><style>{_STYLE}</style>",
        f"<h1>{html.escape(schema['info']['title'])}</h1><p>{html.escape(schema['info']['description'])}</p>",
        f"<pre>{html.escape(_EXAMPLE)}</pre>",
        "<p>The same in full, for programs: <a href=/openapi.json>/openapi.json</a></p>",
    ]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>")
            parts.append(f"<p>{html.escape(operation['summary'])}</p>{_fields(operation, schema)}")
    return "\n".join(parts)


def _fields(operation: dict[str, Any], schema: dict[str, Any]) -> str:
    """A table of what the body of a request may hold."""
    if "requestBody" not in operation:
        return ""
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    properties = schema["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
    rows = [
        f"<tr><td><code>{html.escape(name)}</code><td>{html.escape(each.get('description', ''))}"
        for name, each in properties.items()
    ]
    return f"<table>{''.join(rows)}</table>"
