"""The routes below /inside: one look into a model each."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from gpt25.errors import InspectionError
from gpt25.server.api.api_error import APIError
from gpt25.server.api.service import Service
from gpt25.server.api.until_gone import ClientGoneError, until_gone
from gpt25.server.driving.engine_driver import TooManyWaitingError
from gpt25.server.playground import looks
from gpt25.server.playground.look_request import LookRequest, tokens_to_look_at
from gpt25.server.registry.served_model import ServedModel

_CLOSED_REQUEST = 499  # nginx's number for a client that did not wait; nobody reads it

Look = Callable[[ServedModel, LookRequest], Callable[[], dict[str, Any]]]
"""Checks a request, and gives what is to be computed."""


def inside_routes(service: Service) -> APIRouter:
    """The routes that look into models; each takes its turn between the steps of the texts."""
    router = APIRouter(prefix="/inside", include_in_schema=False)
    for name, (summary, look) in _LOOKS.items():
        router.add_api_route(f"/{name}", _endpoint(service, look), methods=["POST"], summary=summary)
    return router


def _endpoint(service: Service, look: Look) -> Callable[..., Any]:
    async def endpoint(body: LookRequest, request: Request) -> Response:
        served = service.model(body.model)
        compute = look(served, body)
        try:
            work = service.driver.perform(compute)
        except TooManyWaitingError as problem:
            raise APIError(429, str(problem), code="rate_limit_exceeded") from None
        try:
            found = await until_gone(_result_of(work), request.receive)
        except ClientGoneError:
            return Response(status_code=_CLOSED_REQUEST)
        except InspectionError as problem:
            raise APIError(400, str(problem)) from None
        except asyncio.CancelledError:
            if not work.cancelled():
                raise
            raise APIError(503, "the server is stopping; it takes no new requests.", code="stopping") from None
        content = await asyncio.to_thread(msgspec.json.encode, {"model": served.name, **found})
        return Response(content, media_type="application/json")

    return endpoint


async def _result_of(work: "asyncio.Future[dict[str, Any]]") -> dict[str, Any]:
    return await work


def _attention(served: ServedModel, body: LookRequest) -> Callable[[], dict[str, Any]]:
    ids = tokens_to_look_at(served, body)
    return partial(looks.attention, served, ids, layer=body.layer, head=body.head)


def _lens(served: ServedModel, body: LookRequest) -> Callable[[], dict[str, Any]]:
    return partial(looks.lens, served, tokens_to_look_at(served, body, reads_head=True))


def _attribution(served: ServedModel, body: LookRequest) -> Callable[[], dict[str, Any]]:
    return partial(looks.attribution, served, tokens_to_look_at(served, body), position=body.position)


def _norms(served: ServedModel, body: LookRequest) -> Callable[[], dict[str, Any]]:
    return partial(looks.norms, served, tokens_to_look_at(served, body))


def _neurons(served: ServedModel, body: LookRequest) -> Callable[[], dict[str, Any]]:
    return partial(looks.neurons, served, tokens_to_look_at(served, body), position=body.position)


def _heads(served: ServedModel, _body: LookRequest) -> Callable[[], dict[str, Any]]:
    return partial(looks.heads, served)


def _positions(served: ServedModel, body: LookRequest) -> Callable[[], dict[str, Any]]:
    return partial(looks.positions, served, channels=body.channels)


_LOOKS: dict[str, tuple[str, Look]] = {
    "attention": ("Where one head looks", _attention),
    "lens": ("What each layer would predict", _lens),
    "attribution": ("Which part wrote the prediction", _attribution),
    "norms": ("How long the residual stream is", _norms),
    "neurons": ("The most excited neurons", _neurons),
    "heads": ("What every head is", _heads),
    "positions": ("What is known of places", _positions),
}
