"""/v1/completions, and where chats are sent instead."""

import asyncio
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from gpt25.errors import GenerationError
from gpt25.server.api.api_error import APIError
from gpt25.server.api.asked_completion import asked_completion
from gpt25.server.api.completion import Completion
from gpt25.server.api.completion_request import CompletionRequest
from gpt25.server.api.event_stream import EventStream
from gpt25.server.api.service import Service
from gpt25.server.api.until_gone import ClientGoneError, until_gone
from gpt25.server.driving.engine_driver import TooManyWaitingError
from gpt25.server.reference.answer_shapes import CompletionAnswer

_CLOSED_REQUEST = 499  # nginx's number for a client that did not wait; nobody reads it
_LARGE_BODY = 16_384  # bytes; to make tokens of more takes milliseconds, in which the event loop does other things
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": CompletionAnswer,
        "description": "The texts; with stream=true a stream of such objects as server-sent events, and [DONE]",
        "content": {"text/event-stream": {"schema": {"type": "object", "properties": {"data": {"type": "string"}}}}},
    }
}
_NO_CHAT = (
    "this is a base model: it continues texts and knows no chat. Send the text to continue to /v1/completions, as "
    '{"model": "…", "prompt": "…"}.'
)


def completion_routes(service: Service) -> APIRouter:
    """The routes that write texts."""
    router = APIRouter()

    @router.post("/v1/completions", summary="Continue texts", responses=_ANSWERS)
    async def completions(body: CompletionRequest, request: Request) -> Response:
        served = service.model(body.model)
        try:
            service.driver.require_place(served.engine)
            if len(await request.body()) > _LARGE_BODY:
                asked = await asyncio.to_thread(asked_completion, body, served)
            else:
                asked = asked_completion(body, served)
            answer = service.driver.submit(served.engine, asked.requests)
        except TooManyWaitingError as problem:
            raise APIError(429, str(problem), code="rate_limit_exceeded") from None
        completion = Completion(asked, answer, service.metrics)
        if asked.stream:
            return EventStream(completion.chunks(), finish=answer.cancel)
        try:
            content = await until_gone(completion.whole(), request.receive)
        except ClientGoneError:
            return Response(status_code=_CLOSED_REQUEST)
        except GenerationError as problem:
            raise APIError(503 if service.state == "draining" else 500, str(problem)) from None
        finally:
            answer.cancel()
        return Response(msgspec.json.encode(content), media_type="application/json")

    @router.post("/v1/chat/completions", summary="Says that there is no chat")
    async def chat_completions(_request: Request) -> Any:
        raise APIError(400, _NO_CHAT, code="base_model")

    return router
