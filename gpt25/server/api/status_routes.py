"""Whether the server lives, and whether it takes requests."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from gpt25.server.api.service import Service
from gpt25.server.metrics import CONTENT_TYPE


def status_routes(service: Service) -> APIRouter:
    """The routes for whoever looks after the server."""
    router = APIRouter()

    @router.get("/health", summary="Whether the server lives; needs no key")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/ready", summary="Whether it takes requests")
    async def ready() -> dict[str, str]:
        service.require_ready()
        return {"status": "ready"}

    @router.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(service.metrics.text(), headers={"content-type": CONTENT_TYPE})

    return router
