"""The route that tells how the run of a served model goes."""

import asyncio
from typing import Any

from fastapi import APIRouter

from gpt25.errors import StorageError
from gpt25.records import RunDirectory
from gpt25.server.api.api_error import APIError
from gpt25.server.api.service import Service
from gpt25.server.playground.training_curve import training_curve


def training_routes(service: Service) -> APIRouter:
    """The routes of the page's tab on training."""
    router = APIRouter(include_in_schema=False)

    @router.get("/training/{name}", summary="The course of the run that a model comes from")
    async def training(name: str) -> dict[str, Any]:
        served = service.model(name)
        if served.run is None:
            raise APIError(404, f"{served.name} is no run; only a run has a course of training.", code="no_run")
        if not RunDirectory.is_run(served.run.path):
            raise APIError(503, "the records of this run are not where they were; the model itself stays loaded.")
        try:
            return {"model": served.name, **await asyncio.to_thread(training_curve, served.run)}
        except StorageError:  # its words name a path, which is nobody's business
            raise APIError(503, "the records of this run cannot be read at the moment.") from None

    return router
