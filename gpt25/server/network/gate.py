"""What every request passes before it reaches a route."""

import time
from collections.abc import Callable
from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gpt25.server.error_envelope import error_body
from gpt25.server.network.allowed_hosts import AllowedHosts
from gpt25.server.network.api_key import APIKey
from gpt25.server.network.request_body import (
    BodyTooLargeError,
    ClientGoneEarlyError,
    RequestBodies,
    TooManyBodiesError,
    replayed,
)

OPEN_PATH = "/health"
"""The one address that is answered without a key."""
CLIENT_GONE = 499
"""nginx's number for a client that did not wait, for the log; nobody reads it."""
_METHODS_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")
_METHODS = (*_METHODS_WITHOUT_BODY, "POST", "PUT", "PATCH", "DELETE")


class Refusal(Exception):
    """Why a request goes no further."""

    def __init__(self, status: int, message: str, *, code: str | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


class Gate:
    """Lets through who may ask, reads what is sent within bounds, and answers for a route that breaks.

    What is judged is the path of the connection itself (`scope["path"]`), never an address that is put together from
    headers. `observe` is told of every request: method, route, status and seconds; never what was sent.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: AllowedHosts,
        key: APIKey | None,
        bodies: RequestBodies,
        observe: Callable[[str, str, int, float], None],
        report: Callable[[str], None],
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._key = key
        self._bodies = bodies
        self._observe = observe
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began, response, method = time.monotonic(), _Response(send), _method_of(scope)
        if method == "HEAD":  # is GET whose body the protocol keeps back, at every address
            scope = {**scope, "method": "GET"}
        try:
            await self._let_in(scope, receive, response)
        except Refusal as refusal:
            await response.refuse(refusal)
        except ClientGoneEarlyError:
            response.status = CLIENT_GONE
        except Exception as problem:
            self._report(f"a request failed with {type(problem).__name__} in {_place_of(problem)}")
            await response.refuse(Refusal(500, "the server failed at this request; that is a bug of it."))
        self._observe(method, _route_of(scope), response.status, time.monotonic() - began)

    async def _let_in(self, scope: Scope, receive: Receive, response: "_Response") -> None:
        """Judge the head of a request, read its body, and hand both on."""
        self._require_allowed(scope)
        body = b""
        try:
            self._bodies.require_small(scope["headers"])
            body = await self._bodies.read(receive)
            await self._app(scope, replayed(body, receive), response.send)
        except BodyTooLargeError:
            raise Refusal(413, "the body is larger than this server reads.") from None
        except TooManyBodiesError:
            raise Refusal(429, "too much is being sent at a time; try again later.", retry_after="1") from None
        finally:
            self._bodies.release(len(body))

    def _require_allowed(self, scope: Scope) -> None:
        """Raise Refusal for a request that is not for us, not from our page, or without the key."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if b"transfer-encoding" in headers and b"content-length" in headers:  # a proxy may see other requests in it
            raise Refusal(400, "the request gives its length twice: send Content-Length or Transfer-Encoding.")
        host = headers.get(b"host", "")
        if not self._hosts.is_ours(host):
            raise Refusal(
                403,
                "this server does not go by that name; start it with --allowed-host NAME if it should.",
                code="host",
            )
        if b"origin" in headers and not self._hosts.is_from_here(headers[b"origin"], host):
            raise Refusal(403, "pages of other servers may not ask this one.", code="origin")
        if self._key is not None and scope["path"] != OPEN_PATH:
            given = headers.get(b"authorization", "").encode("latin-1")
            if not self._key.is_in(given):
                scheme = "Basic" if "text/html" in headers.get(b"accept", "") else "Bearer"
                raise Refusal(
                    401,
                    'the key is missing or wrong; send it as "Authorization: Bearer KEY".',
                    code="invalid_api_key",
                    www_authenticate=f'{scheme} realm="gpt25"',
                )
        kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if scope["method"] not in _METHODS_WITHOUT_BODY and kind != "application/json":
            raise Refusal(415, "send JSON, with the header Content-Type: application/json.")


class _Response:
    """What goes back: with the headers that all have, and with what came of it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        """0 until it has begun."""

    async def send(self, message: Message) -> None:
        """Send a message of the application's."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            common = [(b"date", formatdate(usegmt=True).encode()), (b"x-content-type-options", b"nosniff")]
            message = {**message, "headers": [*message.get("headers", []), *common]}
        await self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with an error and close; where an answer has begun there is nothing left to say."""
        if self.status:
            return
        body = error_body(refusal.status, str(refusal), code=refusal.code)
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
            **refusal.headers,
        }
        encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": refusal.status, "headers": encoded})
        await self.send({"type": "http.response.body", "body": body})


def _method_of(scope: Scope) -> str:
    """The method, where it is one of HTTP's; anybody can make up others, as many as there are words."""
    return str(scope["method"]) if scope["method"] in _METHODS else "another method"


def _route_of(scope: Scope) -> str:
    """The pattern of the address that answered; what was asked for besides is nobody's business."""
    return str(getattr(scope.get("route"), "path", "another address"))


def _place_of(problem: BaseException) -> str:
    """The function in which it was raised: a place in the code, and no value."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else trace.tb_frame.f_code.co_qualname
