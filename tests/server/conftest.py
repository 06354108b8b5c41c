"""A server in a thread, over a random model, for tests that talk to it."""

import asyncio
import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from gpt25.errors import GPT25Error
from gpt25.generation import choose_generating_precision
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.server.network.listening_socket import address_of, listening_socket
from gpt25.server.serving import Serving
from gpt25.server.serving_settings import ServingSettings
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained


@pytest.fixture(scope="session")
def byte_tokenizer() -> Tokenizer:
    """256 bytes and <|endoftext|>: every other character is split over tokens."""
    return Tokenizer.train(["any text"], vocabulary_size=257)


@pytest.fixture(scope="session")
def model_directory(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Tokenizer) -> Path:
    """A model whose predictions are far from even, so that what it is given and how it is drawn makes a difference."""
    configuration = GPTConfiguration(
        block_size=128, vocabulary_size=257, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=16
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(20)
    directory = tmp_path_factory.mktemp("served") / "tiny"
    save_pretrained(model, byte_tokenizer, directory)
    return directory


@dataclasses.dataclass
class Running:
    """A server that runs, and how to ask it."""

    url: str
    serving: Serving
    reports: list[str]
    stop: Callable[[], None]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and content of an answer; JSON where it is."""
        return self._ask(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, content: Any, **headers: str) -> tuple[int, Any]:
        """The same for JSON that is sent; bytes are sent as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self._ask(urllib.request.Request(self.url + path, body, {"Content-Type": "application/json", **headers}))

    def complete(self, **fields: Any) -> Any:
        """The answer to a request for completions that is granted."""
        status, content = self.post("/v1/completions", fields)
        assert status == 200, content
        return content

    def refused(self, **fields: Any) -> dict[str, Any]:
        """The error of one that is not, which is always the request's fault."""
        status, content = self.post("/v1/completions", fields)
        assert status == 400, content
        assert set(content) == {"error"}
        assert set(content["error"]) == {"message", "type", "param", "code"}
        return content["error"]

    def connect(self) -> socket.socket:
        """A socket of one's own."""
        return socket.create_connection(self.address, timeout=20)

    def _ask(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, content, kind = response.status, response.read(), response.headers.get_content_type()
        except urllib.error.HTTPError as problem:
            status, content, kind = problem.code, problem.read(), problem.headers.get_content_type()
            problem.close()
        return status, json.loads(content) if kind == "application/json" else content.decode()


@contextmanager
def _server(
    words: dict[str, str], *, look_early: Callable[[Running], None] | None = None, **fields: Any
) -> Iterator[Running]:
    settings = ServingSettings(**{"port": 0, "drain_seconds": 5.0, **fields})
    listening = listening_socket(settings.host, settings.port)
    ready, addresses, reports, stops, problems = threading.Event(), [], [], [], []

    def announce(url: str) -> None:
        addresses.append(url)
        ready.set()

    serving = Serving(
        listening,
        words,
        precision=choose_generating_precision("cpu", "float32"),
        settings=settings,
        announce=announce,
        report=reports.append,
    )

    async def run() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        stops.append(lambda: loop.call_soon_threadsafe(lambda: stopped.done() or stopped.set_result(None)))
        try:
            await serving.run(stopped)
        except GPT25Error as problem:
            problems.append(problem)
            ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        if look_early is not None:
            look_early(Running(address_of(listening), serving, reports, lambda: None))
        assert ready.wait(60), "the server does not come up"
        if problems:
            raise problems[0]
        yield Running(addresses[0], serving, reports, stops[0])
    finally:
        if thread.is_alive():
            stops[0]()
        thread.join(60)
        assert not thread.is_alive(), "the server does not end"


@pytest.fixture(scope="session")
def start_server() -> Callable[..., AbstractContextManager[Running]]:
    """Run a server of one's own: `with start_server({"tiny": str(directory)}, most_waiting=2) as server`.

    `look_early` gets it while the models are still being loaded.
    """
    return _server


@pytest.fixture(scope="session")
def server(model_directory: Path) -> Iterator[Running]:
    """One server for all tests that change nothing of it."""
    with _server({"tiny": str(model_directory)}, slots=8) as running:
        yield running


@dataclasses.dataclass
class ServerProcess:
    """`gpt25 serve` as a process of its own."""

    process: "subprocess.Popen[str]"
    url: str
    log: Path

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    @property
    def resident_bytes(self) -> int:
        """Memory that it holds."""
        return psutil.Process(self.process.pid).memory_info().rss

    @property
    def processor_seconds(self) -> float:
        """Time of processors that it has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system


@contextmanager
def _process(model: Path, *flags: str, log: Path) -> Iterator[ServerProcess]:
    words = [sys.executable, "-m", "gpt25", "serve", str(model), "--port", "0", "--precision", "float32", *flags]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True, "env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    with log.open("w") as stream, subprocess.Popen(words, stderr=stream, **pipes) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("serving on http://"), line + log.read_text()
            yield ServerProcess(process, line.removeprefix("serving on ").strip(), log)
        finally:
            process.kill()


@pytest.fixture(scope="session")
def start_process(model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Run the command: `with start_process("--slots", "1") as server`."""

    def start(*flags: str) -> AbstractContextManager[ServerProcess]:
        return _process(model_directory, *flags, log=tmp_path_factory.mktemp("process") / "log")

    return start


@pytest.fixture(scope="session")
def server_process(start_process: Callable[..., Any]) -> Iterator[ServerProcess]:
    """One process for the tests that measure it and change nothing."""
    with start_process("--slots", "4", "--most-waiting", "16") as running:
        yield running


def _exchange(address: tuple[str, int], content: bytes, *, seconds: float = 20.0) -> bytes:
    """Send bytes as they are, and read until the other side closes."""
    with socket.create_connection(address, timeout=seconds) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(content)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                received += part
    return received


@pytest.fixture(scope="session")
def exchange() -> Callable[..., bytes]:
    """Talk to a server without a client's manners: exchange(server.address, b"GET / …") -> all that it says."""
    return _exchange


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"this did not come: {what}")


@pytest.fixture(scope="session")
def wait_for() -> Callable[[Callable[[], bool], str], None]:
    """Wait for what another thread does: wait_for(lambda: done, "that it is done")."""
    return _wait_for
