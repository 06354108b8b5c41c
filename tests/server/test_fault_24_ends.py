"""Fault 24: ends of every kind: clients that go, signals, ports that are taken, models that cannot be loaded."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt25.cli.main import main
from gpt25.errors import WeightsError


def post(fields: dict[str, Any]) -> bytes:
    body = json.dumps(fields).encode()
    return (
        b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body


class Steps:
    """Lets an engine take its steps one by one."""

    def __init__(self, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._allowed, self._taken, step = threading.Semaphore(0), threading.Semaphore(0), engine.step

        def wait_and_step() -> None:
            self._allowed.acquire()
            step()
            self._taken.release()

        monkeypatch.setattr(engine, "step", wait_and_step)

    def take(self, number: int = 1) -> None:
        for _ in range(number):
            self._allowed.release()
            assert self._taken.acquire(timeout=10), "no step was taken"

    def go_on(self) -> None:
        for _ in range(100_000):
            self._allowed.release()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("moment", ["queued", "reading", "writing"])
def test_a_client_that_goes_frees_its_slot_within_one_step(
    start_server: Callable[..., Any],
    model_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    wait_for: Callable[..., None],
    moment: str,
    stream: bool,
) -> None:
    with start_server({"tiny": str(model_directory)}, slots=1) as server:
        (model,) = server.serving.service.registry.models
        steps = Steps(model.engine, monkeypatch)
        answers = server.serving.driver._answers
        other = server.connect() if moment == "queued" else None
        try:
            if other is not None:
                other.sendall(post({"prompt": "other", "max_tokens": 100, "logit_bias": {"256": -100}}))
                wait_for(lambda: len(answers) == 1, "the other request is queued")
                steps.take(2)
            connection = server.connect()
            connection.sendall(post({"prompt": "x" * 50, "max_tokens": 70, "stream": stream}))
            wait_for(lambda: len(answers) == 1 + (other is not None), "the request is queued")
            steps.take({"queued": 1, "reading": 0, "writing": 5}[moment])
            (ticket,) = list(answers)[-1].tickets
            connection.close()
            wait_for(lambda: ticket.is_cancelled, "it is noticed that the client has gone")
            steps.take()
            assert model.engine.waiting == 0
            assert model.engine.running == (1 if other else 0)
        finally:
            steps.go_on()
            if other is not None:
                other.close()


def test_a_stream_goes_on_after_sigterm_and_the_process_ends_with_143(start_process: Callable[..., Any]) -> None:
    with start_process("--slots", "2", "--drain-seconds", "60") as server:
        with socket.create_connection(server.address, timeout=20) as connection:
            connection.sendall(post({"prompt": "x", "n": 4, "max_tokens": 100, "stream": True}))
            received = connection.recv(100)
            server.process.send_signal(signal.SIGTERM)
            while not received.endswith(b"0\r\n\r\n"):
                part = connection.recv(65_536)
                assert part, received[-500:]
                received += part
        assert b"data: [DONE]" in received
        assert b'"error"' not in received
        assert server.process.wait(20) == 143
        assert "stopped" in server.log.read_text()


def test_a_stream_that_takes_longer_than_the_drain_ends_with_an_error(start_process: Callable[..., Any]) -> None:
    with start_process("--slots", "1", "--drain-seconds", "0.1") as server:
        with socket.create_connection(server.address, timeout=20) as connection:
            connection.sendall(post({"prompt": "x", "n": 128, "max_tokens": 120, "stream": True}))
            received = connection.recv(100)
            server.process.send_signal(signal.SIGINT)
            while part := connection.recv(65_536):
                received += part
        assert b"data: [DONE]" not in received
        assert b"the server is stopping, and this text was cut off." in received[-400:], received[-400:]
        assert server.process.wait(20) == 130


def test_while_it_drains_nothing_new_is_taken(
    start_server: Callable[..., Any],
    model_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    wait_for: Callable[..., None],
) -> None:
    with start_server({"tiny": str(model_directory)}, slots=1) as server:
        (model,) = server.serving.service.registry.models
        steps = Steps(model.engine, monkeypatch)
        with server.connect() as writing, server.connect() as kept:
            kept.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in kept.recv(4096)
            writing.sendall(post({"prompt": "x", "max_tokens": 20}))
            wait_for(lambda: server.serving.driver.answering == 1, "the request is queued")
            server.stop()
            wait_for(lambda: server.serving.service.state == "draining", "it drains")
            with pytest.raises(ConnectionError):
                server.connect().recv(1)
            steps.go_on()
            received = b""
            while part := writing.recv(65_536):
                received += part
            assert received.startswith(b"HTTP/1.1 200")


def test_a_second_signal_ends_at_once(start_process: Callable[..., Any]) -> None:
    with start_process("--slots", "1", "--drain-seconds", "600") as server:
        with socket.create_connection(server.address, timeout=20) as connection:
            connection.sendall(post({"prompt": "x", "n": 128, "max_tokens": 120, "stream": True}))
            connection.recv(100)
            server.process.send_signal(signal.SIGTERM)
            while server.process.poll() is None:
                part = connection.recv(1000)
                server.process.send_signal(signal.SIGTERM)
                if not part:
                    break
        assert server.process.wait(20) == -signal.SIGTERM


def test_a_port_in_use_is_found_before_anything_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", "gpt2", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert (
        error == f"error: port {port} on 127.0.0.1 is in use; choose another with --port, or --port 0 for a free one.\n"
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--host", "192.0.2.1"], "192.0.2.1 is no address of this machine"),
        (["--host", "no such host"], "which is no address of this machine"),
        (["--host", "no-such-host.invalid"], "which is no address of this machine: "),
        (
            ["--host", "127.0.0.1:8000"],
            "give a name or an IP address alone, such as 127.0.0.1, and the port with --port",
        ),
        (
            ["--host", "http://localhost"],
            "host is 'http://localhost', which is no address of this machine; give a name",
        ),
        (["--host", "/run/gpt25.sock"], "host is '/run/gpt25.sock', which is no address of this machine; give a name"),
        (["--host", "[::1]"], "host is '[::1]', which is no address of this machine; give a name"),
        (["--port", "65536"], "port is 65536; it must be from 0"),
        (["--port", "-1"], "port is -1; it must be from 0"),
        (["--slots", "0"], "slots is 0; it must be at least 1"),
        (["--drain-seconds", "nan"], "--drain-seconds is nan"),
    ],
)
def test_what_cannot_be_listened_on_is_refused(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "gpt2", "--api-key", "k" * 20, *flags]) == 2
    assert message in capsys.readouterr().err


def test_a_model_that_cannot_be_loaded_ends_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path), "--port", "0"]) == 2
    captured = capsys.readouterr()
    assert "serving on" not in captured.out
    assert captured.err.startswith("error: ")
    assert "Traceback" not in captured.err


def test_health_answers_while_models_load_and_readiness_says_no(
    start_server: Callable[..., Any], model_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpt25.server import serving

    may_load, answers, load = threading.Event(), [], serving.load_served_model

    def load_late(*arguments: Any, **options: Any) -> Any:
        assert may_load.wait(20)
        return load(*arguments, **options)

    monkeypatch.setattr(serving, "load_served_model", load_late)

    def look(server: Any) -> None:
        for path in ("/health", "/ready", "/v1/models"):
            answers.append(server.get(path))
        answers.append(server.post("/v1/completions", {"prompt": "x"}))
        may_load.set()

    with start_server({"tiny": str(model_directory)}, look_early=look) as server:
        assert server.get("/ready")[0] == 200
    (health, *others) = answers
    assert health == (200, {"status": "ok"})
    assert [status for status, _ in others] == [503, 503, 503]
    assert {content["error"]["code"] for _, content in others} == {"loading"}


LOADING_FOR_EVER = """
import sys, torch
from gpt25.cli.main import entry_point
from gpt25.server import serving

def load(*_arguments, **_options):
    matrix = torch.randn(64, 64)
    while True:  # in and out of torch, which a shutdown of Python does not end in peace
        matrix = torch.tanh(matrix @ matrix)

serving.load_served_model = load
sys.argv = ["gpt25", "serve", sys.argv[1], "--port", "0"]
entry_point()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_models_load_ends_the_process_in_peace(model_directory: Path, number: int, code: int) -> None:
    words = [sys.executable, "-c", LOADING_FOR_EVER, str(model_directory)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "loading tiny\n"
        process.send_signal(number)
        assert process.stderr.read() == "stopped while the models were being loaded\n"
        assert process.wait(20) == code


def test_a_model_that_fails_late_ends_the_server_with_its_error(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(WeightsError), start_server({"none": str(tmp_path)}):
        raise AssertionError("it came up")
