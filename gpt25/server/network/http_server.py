"""uvicorn, waking only when there is something to do."""

import asyncio
import contextlib
import functools
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from gpt25.server.network.guarded_protocol import GuardedProtocol
from gpt25.server.network.listening_socket import BACKLOG
from gpt25.server.network.open_files import connections_that_fit
from gpt25.server.network.turns import Turns
from gpt25.server.serving_settings import ServingSettings

_ACCEPTED_AT_A_TIME = 16
_SECONDS_BESIDE_THE_DRAIN = 2  # for the last words of what was cut off


class HTTPServer(uvicorn.Server):
    """Serves an application on a socket until `stop`; signals are its caller's business."""

    def __init__(self, app: ASGIApp, settings: ServingSettings) -> None:
        protocol = functools.partial(
            GuardedProtocol,
            settings=settings,
            most_connections=connections_that_fit(settings.most_connections),
            turns=Turns(),
        )
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,  # type: ignore[arg-type]  # called as the class would be
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=_ACCEPTED_AT_A_TIME,
                date_header=False,
                h11_max_incomplete_event_size=settings.most_header_bytes,
                timeout_keep_alive=int(settings.keep_alive_seconds),
                timeout_graceful_shutdown=int(settings.drain_seconds) + _SECONDS_BESIDE_THE_DRAIN,
            )
        )
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Take no more connections, and end when those that there are have had their answers."""
        self.should_exit = True
        self._stopping.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections, of a crowd some at a time; the others wait in the system's longer queue."""
        await super().startup(sockets)
        for listening in sockets or []:
            listening.listen(BACKLOG)

    async def main_loop(self) -> None:
        """Sleep until the end; uvicorn's own looks at the clock ten times a second."""
        await self._stopping.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> Any:
        """Serve until `stop`."""
        await super().serve(sockets)
