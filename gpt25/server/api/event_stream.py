"""A response of server-sent events."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gpt25.errors import GPT25Error
from gpt25.server.api.until_gone import ClientGoneError, until_gone
from gpt25.server.error_envelope import error_envelope

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would gather the events
]


class EventStream(Response):
    """Sends what an iterator yields, objects that are there together in one go, and `[DONE]` at the end.

    An error on the way is an event too, and no `[DONE]` follows it. `finish` is called whatever happens.
    """

    def __init__(self, chunks: AsyncIterator[list[dict[str, Any]]], *, finish: Callable[[], None]) -> None:
        self._chunks = chunks
        self._finish = finish
        self.status_code = 200
        self.background = None

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, until the end or until nobody listens."""
        try:
            await until_gone(self._send_all(send), receive)
        except ClientGoneError:
            pass
        finally:
            self._finish()

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        last = b"data: [DONE]\n\n"
        try:
            async for objects in self._chunks:
                await send({"type": "http.response.body", "body": b"".join(map(_event, objects)), "more_body": True})
        except GPT25Error as problem:
            last = _event(error_envelope(500, str(problem)))
        await send({"type": "http.response.body", "body": last, "more_body": False})


def _event(content: Mapping[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(content) + b"\n\n"
