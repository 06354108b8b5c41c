"""Fault 23: clients that send slowly, too much or without end, and clients that do not read."""

import contextlib
import json
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt25.server.network.turns import Turns

_HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SLOW_CLIENTS = 1000


@pytest.fixture(scope="module")
def hasty(start_server: Callable[..., Any], model_directory: Path) -> Iterator[Any]:
    """A server with short deadlines."""
    deadlines = {"header_seconds": 1.0, "body_seconds": 1.0, "stalled_seconds": 0.5, "keep_alive_seconds": 1.0}
    with start_server({"tiny": str(model_directory)}, slots=8, **deadlines) as running:
        yield running


def status_of(answer: bytes) -> int:
    """Its status, where it is an error in the envelope."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    assert set(json.loads(body)) == {"error"}
    return int(head.split(b" ")[1])


def test_a_thousand_heads_that_never_end_are_cut_off(hasty: Any) -> None:
    waiting = selectors.DefaultSelector()
    for _ in range(SLOW_CLIENTS):
        connection = hasty.connect()
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        connection.setblocking(False)
        waiting.register(connection, selectors.EVENT_READ, bytearray())
    answers, end = [], time.monotonic() + 10
    while waiting.get_map() and time.monotonic() < end:
        for key, _ in waiting.select(timeout=0.2):
            part = b""
            with contextlib.suppress(ConnectionError):
                part = key.fileobj.recv(4096)  # type: ignore[union-attr]
            key.data.extend(part)
            if not part:
                answers.append(bytes(key.data))
                waiting.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
        for key in list(waiting.get_map().values())[:50]:
            with contextlib.suppress(OSError):
                key.fileobj.send(b"a")  # type: ignore[union-attr]
    assert len(answers) == SLOW_CLIENTS, "not all were dropped"
    assert {status_of(answer) for answer in answers if answer} == {408}
    assert hasty.get("/health")[0] == 200


def test_a_connection_without_a_byte_is_closed_without_a_word(hasty: Any, exchange: Callable[..., bytes]) -> None:
    assert exchange(hasty.address, b"") == b""


def test_the_second_request_of_a_connection_has_a_deadline_too(hasty: Any) -> None:
    with hasty.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HT")
        received = b""
        while part := connection.recv(4096):
            received += part
    first, _, second = received.partition(b'{"status":"ok"}')
    assert first.startswith(b"HTTP/1.1 200")
    assert status_of(second) == 408


def test_an_idle_connection_is_closed(hasty: Any, exchange: Callable[..., bytes]) -> None:
    answer = exchange(hasty.address, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.endswith(b'{"status":"ok"}')


def test_what_has_arrived_in_time_counts_though_its_turn_comes_late(
    start_server: Callable[..., Any],
    model_directory: Path,
    exchange: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Turns, "wait", lambda _turns, _hear: None)  # the turn never comes
    with start_server({"tiny": str(model_directory)}, header_seconds=0.5) as server:
        whole = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert exchange(server.address, whole).startswith(b"HTTP/1.1 200 ")
        assert status_of(exchange(server.address, whole[:-2])) == 408


def test_a_body_that_never_ends_is_cut_off(hasty: Any, exchange: Callable[..., bytes]) -> None:
    assert status_of(exchange(hasty.address, _HEAD + b'Content-Length: 100\r\n\r\n{"prompt": ')) == 408
    chunked = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{    "
    assert status_of(exchange(hasty.address, chunked)) == 408


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 65_536 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: a\r\n" * 10_000 + b"\r\n",
        b"GET /" + b"a" * 65_536 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["one", "many", "target"],
)
def test_large_heads_are_refused(server: Any, exchange: Callable[..., bytes], head: bytes) -> None:
    assert status_of(exchange(server.address, head)) == 431


def test_a_large_body_is_refused_before_it_is_read(server: Any, exchange: Callable[..., bytes]) -> None:
    assert status_of(exchange(server.address, _HEAD + b"Content-Length: 1000000000\r\n\r\n" + b"x" * 100_000)) == 413
    huge = b"9" * 400
    assert status_of(exchange(server.address, _HEAD + b"Content-Length: " + huge + b"\r\n\r\n")) in (400, 413)


def test_chunks_without_end_are_refused(server: Any, exchange: Callable[..., bytes]) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    assert status_of(exchange(server.address, _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 100)) == 413
    assert server.serving.bodies.held_bytes == 0


@pytest.mark.parametrize(
    "content",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        _HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        _HEAD + b"Content-Length: -5\r\n\r\n",
    ],
    ids=["tls", "words", "no host", "two hosts", "bad chunk", "two lengths", "negative length"],
)
def test_what_is_no_http_is_refused(server: Any, exchange: Callable[..., bytes], content: bytes) -> None:
    assert status_of(exchange(server.address, content)) == 400


def test_a_client_that_does_not_read_loses_its_slot(hasty: Any, wait_for: Callable[..., None]) -> None:
    body = json.dumps({"prompt": "x", "n": 128, "max_tokens": 120, "stream": True, "logprobs": 5}).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(hasty.address)
        connection.sendall(_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        wait_for(lambda: hasty.serving.driver.answering == 1, "the text begins")
        wait_for(lambda: hasty.serving.driver.answering == 0, "the text is given up")
    (model,) = hasty.serving.service.registry.models
    wait_for(lambda: model.engine.is_idle, "the slot is free")


def test_more_connections_than_there_may_be_are_told_to_come_again(
    start_server: Callable[..., Any], model_directory: Path, exchange: Callable[..., bytes]
) -> None:
    with start_server({"tiny": str(model_directory)}, most_connections=3) as server:
        held = [server.connect() for _ in range(3)]
        answer = exchange(server.address, b"")
        assert status_of(answer) == 503
        assert b"retry-after" in answer
        for connection in held:
            connection.close()
        for _ in range(100):
            if exchange(server.address, b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200"):
                return
            time.sleep(0.02)
        raise AssertionError("the places of those who have gone are not given to others")


def test_what_is_sent_beside_an_unfinished_answer_is_held_within_bounds(server: Any) -> None:
    body = json.dumps({"prompt": "x", "n": 64, "max_tokens": 120}).encode()
    request = _HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with server.connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(request)
        for _ in range(100):
            connection.sendall(b"x" * 65_536)
        assert not connection.recv(10), "it is cut off"
    with server.connect() as connection:  # a request that is sent ahead within bounds is answered in its turn
        small = json.dumps({"prompt": "x", "max_tokens": 2}).encode()
        connection.sendall(_HEAD + b"Content-Length: %d\r\n\r\n" % len(small) + small)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = b""
        while part := connection.recv(65_536):
            received += part
    assert received.count(b"HTTP/1.1 200 ") == 2
    assert received.endswith(b'{"status":"ok"}')
