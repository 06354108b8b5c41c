"""A server from its socket to its end, in one event loop."""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gpt25.generation import GeneratingPrecision
from gpt25.server.api.application import application
from gpt25.server.api.service import Service
from gpt25.server.driving.engine_driver import EngineDriver
from gpt25.server.network.allowed_hosts import AllowedHosts
from gpt25.server.network.api_key import APIKey
from gpt25.server.network.gate import Gate
from gpt25.server.network.http_server import HTTPServer
from gpt25.server.network.listening_socket import address_of
from gpt25.server.network.request_body import RequestBodies
from gpt25.server.playground.inside_routes import inside_routes
from gpt25.server.playground.page_routes import page_routes
from gpt25.server.playground.training_routes import training_routes
from gpt25.server.registry.load_served_model import load_served_model
from gpt25.server.registry.served_model import ServedModel
from gpt25.server.serving_settings import ServingSettings

_MOST_TOKENS = 1 << 20  # of all requests that are being answered
_MOST_BYTES_OF_BODIES = 64 << 20
_LOOKED_AFTER = ("/health", "/ready", "/metrics")  # asked every few seconds, by programs
_OK = 200
_LOOK_SECONDS = 0.05  # how often a drain looks whether all is answered


class Serving:
    """Listens, loads the models while /health answers already, serves, and drains."""

    def __init__(
        self,
        listening: socket.socket,
        words: Mapping[str, str],
        *,
        precision: GeneratingPrecision,
        settings: ServingSettings,
        announce: Callable[[str], None],
        report: Callable[[str], None],
    ) -> None:
        """words: by name, the MODEL. announce: is told the address when all models are loaded.

        report: is told what happens besides, in words without anybody's text; it must not wait.
        """
        self._listening = listening
        self._words = words
        self._precision = precision
        self._settings = settings
        self._announce = announce
        self._report = report
        self.bodies = RequestBodies(most_bytes=settings.most_body_bytes, most_bytes_together=_MOST_BYTES_OF_BODIES)
        self.driver = EngineDriver(most_waiting=settings.most_waiting, most_tokens=_MOST_TOKENS, report=report)
        self.service = Service(self.driver)
        self.is_loading = False
        """Whether the thread that loads the models has not come to its end, which may outlast `run`."""

    async def run(self, stopped: "asyncio.Future[Any]") -> None:
        """Serve until `stopped` is done, and then until all is answered or the time for that is over.

        Raises GPT25Error where a model cannot be loaded.
        """
        server = HTTPServer(self._guarded_application(), self._settings)
        serving = asyncio.create_task(server.serve([self._listening]))
        self.is_loading = True
        loading: asyncio.Future[Any] = _in_thread(self._load)
        try:
            await asyncio.wait([loading, stopped], return_when=asyncio.FIRST_COMPLETED)
            if not stopped.done():
                self._begin(loading.result())
            await stopped
            self.service.state = "draining"
            server.stop()
            await self._drain()
        finally:
            loading.cancel()
            server.stop()
            await serving
            self.driver.stop()

    def _load(self) -> list[ServedModel]:
        models = []
        try:
            for name, word in self._words.items():
                self._report(f"loading {name}")
                models.append(load_served_model(name, word, precision=self._precision, slots=self._settings.slots))
                self._report(f"{name}: {models[-1].how}")
        finally:
            self.is_loading = False
        return models

    def _begin(self, models: list[ServedModel]) -> None:
        """Take requests."""
        self.service.registry.fill(models)
        self._watch(models)
        self.driver.start()
        self.service.state = "ready"
        self._announce(address_of(self._listening))

    def _watch(self, models: list[ServedModel]) -> None:
        """Let whoever looks after the server see how much is going on."""
        metrics, engines = self.service.metrics, {model.name: model.engine for model in models}
        metrics.watch("gpt25_answering", "Requests for texts that are being answered", lambda: self.driver.answering)
        running = {name: partial(getattr, engine, "running") for name, engine in engines.items()}
        metrics.watch_each("gpt25_running", "Texts that are being written", running)
        waiting = {name: partial(getattr, engine, "waiting") for name, engine in engines.items()}
        metrics.watch_each("gpt25_waiting", "Prompts that wait for a slot", waiting)

    async def _drain(self) -> None:
        """Wait until all is answered; what is not when the time is over ends with an error."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.drain_seconds
        while self.driver.answering and loop.time() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)
        self.driver.end_all("the server is stopping, and this text was cut off.")

    def _guarded_application(self) -> Gate:
        """The application behind its gate."""
        settings = self._settings
        own_names = [settings.host, socket.gethostname(), *settings.allowed_hosts]
        return Gate(
            application(self.service, [page_routes, inside_routes, training_routes]),
            hosts=AllowedHosts(own_names, any_address=not settings.is_loopback),
            key=None if settings.api_key is None else APIKey(settings.api_key),
            bodies=self.bodies,
            observe=self._observe,
            report=self._report,
        )

    def _observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request, and say it."""
        metrics = self.service.metrics
        metrics.requests.labels(method, route, status).inc()
        metrics.request_seconds.labels(route).observe(seconds)
        if route not in _LOOKED_AFTER or status != _OK:
            self._report(f"{method} {route} {status} {seconds:.3f} s")


def _in_thread(work: Callable[[], list[ServedModel]]) -> "asyncio.Future[list[ServedModel]]":
    """Do the work in a thread that ends with the process, so that a signal need not wait for it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[ServedModel]] = loop.create_future()

    def finish(result: list[ServedModel], problem: BaseException | None) -> None:
        if future.done():
            return
        if problem is None:
            future.set_result(result)
        else:
            future.set_exception(problem)

    def run() -> None:
        result, problem = [], None
        try:
            result = work()
        except BaseException as caught:
            problem = caught
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, result, problem)

    threading.Thread(target=run, name="gpt25-loading", daemon=True).start()
    return future
