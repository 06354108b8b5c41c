"""Fault 27: a Host header that poisons the path, thousands of ranges, a form without end."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

KEY = "a-key-of-more-than-16-letters"


@pytest.fixture(scope="module")
def locked(start_server: Callable[..., Any], model_directory: Path) -> Iterator[Any]:
    with start_server({"tiny": str(model_directory)}, api_key=KEY) as running:
        yield running


@pytest.mark.parametrize(
    "host",
    ["localhost/health?", "localhost/health#", "localhost:80/health?x=", "x@localhost/health?", "localhost/health%3f"],
)
@pytest.mark.parametrize("target", ["/v1/models", "http://localhost/health", "//health", "*"])
def test_the_key_is_judged_on_the_path_of_the_connection(
    locked: Any, exchange: Callable[..., bytes], host: str, target: str
) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = exchange(locked.address, request.encode())
    assert answer.split(b" ")[1] in (b"403", b"400")
    proper = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert exchange(locked.address, proper.encode()).split(b" ")[1] in (b"401", b"400")


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "Forwarded"]
)
def test_no_header_puts_another_path_in_its_place(locked: Any, header: str) -> None:
    assert locked.get("/v1/models", **{header: "/health"})[0] == 401


def test_thousands_of_ranges_are_no_work(server: Any, exchange: Callable[..., bytes]) -> None:
    ranges = ",".join(f"{start}-{start}" for start in range(1500))
    request = f"GET /docs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nRange: bytes={ranges}\r\n\r\n"
    answer = exchange(server.address, request.encode())
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"multipart" not in answer
    assert b"content-range" not in answer.lower()


def test_a_form_without_end_is_refused_at_its_head(server: Any, exchange: Callable[..., bytes]) -> None:
    head = (
        b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    part = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" * 1000
    began = time.monotonic()
    answer = exchange(server.address, head + b"%x\r\n" % len(part) + part + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["type"] == "invalid_request_error"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"])
def test_other_methods_do_nothing(server: Any, exchange: Callable[..., bytes], method: str) -> None:
    request = f"{method} /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer = exchange(server.address, f"{request}Connection: close\r\nContent-Length: 0\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.endswith(b'"type":"invalid_request_error","param":null,"code":null}}')


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/v1/models", "/metrics", "/docs", "/openapi.json"])
def test_head_is_get_without_the_body(server: Any, exchange: Callable[..., bytes], path: str) -> None:
    rest = f" {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    (head, body), (got_head, got_body) = (
        exchange(server.address, each + rest).split(b"\r\n\r\n", 1) for each in (b"HEAD", b"GET")
    )
    assert body == b""
    assert got_body
    assert head.startswith(b"HTTP/1.1 200 ")
    if path != "/metrics":  # whose length changes
        assert b"content-length: %d\r\n" % len(got_body) in head
    assert {line.partition(b":")[0] for line in head.split(b"\r\n")} == {
        line.partition(b":")[0] for line in got_head.split(b"\r\n")
    }


def test_head_of_what_only_writes_says_what_is_taken(server: Any, exchange: Callable[..., bytes]) -> None:
    rest = b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    answer = exchange(server.address, b"HEAD /v1/completions" + rest)
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"allow: POST\r\n" in answer
    assert b"allow: GET, HEAD\r\n" in exchange(server.address, b"PUT /health" + rest)


def test_a_request_with_two_lengths_is_refused_and_its_connection_closed(
    server: Any, exchange: Callable[..., bytes]
) -> None:
    body = b'{"prompt": "x", "max_tokens": 1}'
    head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    lengths = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    behind = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = exchange(server.address, head + lengths + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + behind)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"gives its length twice: send Content-Length or Transfer-Encoding." in answer
    assert answer.count(b"HTTP/1.1") == 1


def test_methods_that_somebody_makes_up_are_one_to_whoever_counts(
    start_server: Callable[..., Any], model_directory: Path, exchange: Callable[..., bytes]
) -> None:
    with start_server({"tiny": str(model_directory)}) as server:
        for number in range(50):
            exchange(server.address, b"MADE-UP-%d / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % number)
        figures = server.get("/metrics")[1]
        assert "MADE-UP" not in figures + "".join(server.reports)
        assert 'gpt25_requests_total{method="another method",route="another address",status="415"} 50.0' in figures


def test_an_upgrade_is_not_made(server: Any, exchange: Callable[..., bytes]) -> None:
    request = (
        b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert exchange(server.address, request).startswith(b"HTTP/1.1 200 ")
