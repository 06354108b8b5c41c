"""HTTP/1.1 as uvicorn speaks it, with deadlines on what arrives and on what is read."""

import asyncio
import socket
import sys
from typing import Any, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from gpt25.server.error_envelope import error_body
from gpt25.server.network.turns import Turns
from gpt25.server.serving_settings import ServingSettings

_LINGER_SECONDS = 1.0  # for a client that still sends, to read why nobody listens
_SEND_BUFFER_BYTES = 131_072  # of the system, which else takes megabytes for every client that reads slowly
_BYTES_OF_A_HEAD_AT_A_TIME = 4096
_MOST_UNHEARD_BYTES = 262_144
_ASKS_FOR_LIFE = b"GET /health "
_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}
_BUSY = error_body(503, "too many connections; try again later.")


class GuardedProtocol(H11Protocol):
    """One connection. uvicorn waits for ever for a request to arrive, and for its answer to be read; this does not.

    A request's head and its body have a deadline each, and so has a client that reads nothing of what is sent. What is
    sent beside an answer that is not complete is held, within bounds, and the connection watched all the same.
    """

    def __init__(
        self, *arguments: Any, settings: ServingSettings, most_connections: int, turns: Turns, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._settings = settings
        self._most_connections = most_connections
        self._turns = turns
        self._unheard = bytearray()  # whose turn has not come
        self._ahead = bytearray()  # of requests behind the one that is being answered
        self._awaited: Literal["head", "body"] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._lingers: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        wrapped = _ClosingTransport(transport, self)
        super().connection_made(wrapped)  # type: ignore[arg-type]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        if len(self.connections) > self._most_connections:
            transport.write(_raw_response(b"503 Service Unavailable", _BUSY, b"retry-after: 1\r\n"))
            transport.close()
            return
        self._await("head")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        for timer in (self._deadline, self._stall, self._lingers):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived when it is this connection's turn; at once where somebody asks whether we live."""
        is_first = not self._unheard
        self._unheard += data
        if is_first and self._unheard.startswith(_ASKS_FOR_LIFE):
            self._hear()
            return
        if is_first:
            self._turns.wait(self._hear)
        if len(self._unheard) > _MOST_UNHEARD_BYTES:
            self.flow.pause_reading()

    def _hear(self) -> None:
        """Take in what has arrived; of a head little at a time, for h11 bounds only those that are not complete."""
        data, self._unheard = bytes(self._unheard), bytearray()
        self.flow.resume_reading()
        while data:
            size = _BYTES_OF_A_HEAD_AT_A_TIME if self.conn.their_state is h11.IDLE else len(data)
            self._take(data[:size])
            data = data[size:]

    def _take(self, data: bytes) -> None:
        """Hand bytes to uvicorn, and see what is awaited now."""
        if self.transport.is_closing():
            return
        if self._is_answering():
            self._ahead += data
            if len(self._ahead) > self._settings.most_header_bytes:
                self.transport.abort()
            return
        super().data_received(data)
        if self._is_answering():
            self.flow.resume_reading()  # or nobody would notice that the client has gone
        self._await(self._awaited_now())

    def on_response_complete(self) -> None:
        """Go on with what has arrived meanwhile."""
        super().on_response_complete()
        ahead, self._ahead = bytes(self._ahead), bytearray()
        if ahead:
            self.data_received(ahead)
            return
        self._await(self._awaited_now())
        if self._awaited == "head":  # of which the beginning is there
            self._unset_keepalive_if_required()

    def pause_writing(self) -> None:
        """Give a client that reads nothing some time."""
        super().pause_writing()
        self._stall = self.loop.call_later(self._settings.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it reads again."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request that is no HTTP, or too long a head."""
        problem = sys.exception()
        status = getattr(problem, "error_status_hint", 400)
        if status == 431:
            self._refuse(431, f"the head of the request has more than {self._settings.most_header_bytes:,} bytes.")
        else:
            self._refuse(400, "this is no HTTP request that can be read.")

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The request that was read last, if there was one."""
        return self.cycle

    def _is_answering(self) -> bool:
        """Whether a request has arrived to its end and has no complete answer."""
        if self._cycle is None or self._cycle.response_complete:
            return False
        return self.conn.their_state in (h11.DONE, h11.MUST_CLOSE)

    def _awaited_now(self) -> Literal["head", "body"] | None:
        if self.transport.is_closing():
            return None
        if self.conn.their_state is h11.SEND_BODY:
            return "body"
        if self.conn.their_state is h11.IDLE and (self._cycle is None or self.conn.trailing_data[0]):
            return "head"
        return None

    def _await(self, awaited: Literal["head", "body"] | None) -> None:
        """Set the clock for what is awaited next; for what is still awaited it runs on."""
        if awaited == self._awaited:
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._awaited = awaited
        if awaited is not None:
            seconds = self._settings.header_seconds if awaited == "head" else self._settings.body_seconds
            self._deadline = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        deadline = self._deadline
        self._hear()  # what has arrived in time counts, though its turn has not come
        if self._deadline is not deadline:
            return
        if self._cycle is None and not self.conn.trailing_data[0]:
            self.transport.close()  # not a byte came: there is no request to answer
        else:
            self._refuse(408, f"the {self._awaited} of the request did not arrive in time.")

    def _refuse(self, status: int, message: str) -> None:
        """Answer in the place of the application, and close."""
        if self.transport.is_closing():
            return
        if self._cycle is not None and not self._cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = error_body(status, message)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        response = h11.Response(
            status_code=status, headers=[*headers, (b"connection", b"close")], reason=_REASONS.get(status, b"")
        )
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def is_lingering(self) -> bool:
        """Whether the last word is said, and only the client's end is awaited."""
        return self._lingers is not None

    def close(self, transport: asyncio.Transport) -> None:
        """Close; where the client may still be sending, so that it can read the answer.

        A socket that is closed with unread bytes throws away what was written to it last.
        """
        if transport.is_closing() or self.is_lingering:
            return
        if self.conn.their_state not in (h11.SEND_BODY, h11.ERROR) or not transport.can_write_eof():
            transport.close()
            return
        self._lingers = self.loop.call_later(_LINGER_SECONDS, transport.abort)
        transport.write_eof()
        self.flow.resume_reading()


class _ClosingTransport:
    """A transport whose `close` is the protocol's."""

    def __init__(self, transport: asyncio.Transport, protocol: GuardedProtocol) -> None:
        self._transport = transport
        self._protocol = protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing more is to be read or written."""
        return self._protocol.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close as the protocol does it."""
        self._protocol.close(self._transport)


def _raw_response(status: bytes, body: bytes, header: bytes) -> bytes:
    """A response that needs no request."""
    return (
        b"HTTP/1.1 " + status + b"\r\ncontent-type: application/json\r\nconnection: close\r\n" + header
        + b"content-length: %d\r\n\r\n" % len(body) + body
    )  # fmt: skip
