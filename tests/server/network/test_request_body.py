"""Bodies within bounds, each and together."""

import asyncio
from typing import Any

import pytest

from gpt25.server.network.request_body import (
    BodyTooLargeError,
    ClientGoneEarlyError,
    RequestBodies,
    TooManyBodiesError,
    replayed,
)


def receiving(*parts: bytes, ends: bool = True) -> Any:
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request"} if ends else {"type": "http.disconnect"})

    async def receive() -> Any:
        return messages.pop(0)

    return receive


def test_a_body_is_read_and_its_place_given_back() -> None:
    bodies = RequestBodies(most_bytes=10, most_bytes_together=15)
    assert asyncio.run(bodies.read(receiving(b"hello", b"world"))) == b"helloworld"
    assert bodies.held_bytes == 10
    with pytest.raises(TooManyBodiesError):
        asyncio.run(bodies.read(receiving(b"hello", b"x")))
    assert bodies.held_bytes == 10
    bodies.release(10)
    assert asyncio.run(bodies.read(receiving(b"hello", b"x"))) == b"hellox"


def test_a_body_that_is_too_large_or_breaks_off_holds_nothing() -> None:
    bodies = RequestBodies(most_bytes=10, most_bytes_together=100)
    with pytest.raises(BodyTooLargeError):
        asyncio.run(bodies.read(receiving(b"hello", b"world", b"!")))
    with pytest.raises(ClientGoneEarlyError):
        asyncio.run(bodies.read(receiving(b"hello", ends=False)))
    assert bodies.held_bytes == 0


@pytest.mark.parametrize("length", [b"11", b"99999999999999999999999999999999", b"-1", b"x", b""])
def test_an_announced_length_that_cannot_be_is_refused(length: bytes) -> None:
    with pytest.raises(BodyTooLargeError):
        RequestBodies(most_bytes=10, most_bytes_together=100).require_small([(b"content-length", length)])


def test_a_replayed_body_comes_once() -> None:
    async def work() -> list[Any]:
        receive = replayed(b"body", receiving(ends=False))
        return [await receive(), await receive()]

    first, second = asyncio.run(work())
    assert first == {"type": "http.request", "body": b"body", "more_body": False}
    assert second == {"type": "http.disconnect"}
