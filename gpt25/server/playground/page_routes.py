"""The page itself, and the files that it is made of."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from gpt25.server.api.api_error import APIError
from gpt25.server.api.service import Service
from gpt25.server.playground.page_files import page_files

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may do: run and load its own files, and ask its own server. Nothing written into it can run."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # kept, and asked for again with its tag
}


def page_routes(_service: Service) -> APIRouter:
    """The routes of the page's files; it is there while the models load."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page(request: Request) -> Response:
        return _response(request, "index.html")

    @router.get("/playground/{name}")
    async def page_file(name: str, request: Request) -> Response:
        if name not in page_files():
            raise APIError(404, "there is nothing at this address.")
        return _response(request, name)

    return router


def _response(request: Request, name: str) -> Response:
    """A file, or the word that the browser has it already."""
    file = page_files()[name]
    headers = {**_HEADERS, "ETag": file.tag}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers={**headers, "Content-Type": file.kind})
