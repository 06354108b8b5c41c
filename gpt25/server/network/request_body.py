"""The body of a request, read to its end within bounds."""

from collections.abc import Iterable

from starlette.types import Message, Receive


class BodyTooLargeError(Exception):
    """One body is larger than any may be."""


class TooManyBodiesError(Exception):
    """The bodies that are held at a time would be too large together."""


class ClientGoneEarlyError(Exception):
    """The connection ended before the body did."""


class RequestBodies:
    """Reads bodies, each and all together within bounds, before anything is made of them."""

    def __init__(self, *, most_bytes: int, most_bytes_together: int) -> None:
        self._most_bytes = most_bytes
        self._most_bytes_together = most_bytes_together
        self.held_bytes = 0
        """Of bodies that are being read or answered."""

    def require_small(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Raise BodyTooLargeError for a body whose announced length is too large."""
        for name, value in headers:
            if name == b"content-length" and (not value.isdigit() or int(value[:19]) > self._most_bytes):
                raise BodyTooLargeError

    async def read(self, receive: Receive) -> bytes:
        """The whole body; whoever has answered the request gives its length back to `release`."""
        content = bytearray()
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneEarlyError
                self._take(message.get("body", b""), content)
                if not message.get("more_body", False):
                    return bytes(content)
        except BaseException:
            self.release(len(content))
            raise

    def _take(self, part: bytes, content: bytearray) -> None:
        if len(content) + len(part) > self._most_bytes:
            raise BodyTooLargeError
        if self.held_bytes + len(part) > self._most_bytes_together:
            raise TooManyBodiesError
        self.held_bytes += len(part)
        content += part

    def release(self, length: int) -> None:
        """Count a body no longer."""
        self.held_bytes -= length


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body at once, and then what the connection does."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
