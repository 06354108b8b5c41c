"""Fault 25: other machines, other pages, other names; and what is written about whom."""

import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt25.cli.main import main

KEY = "a-key-of-more-than-16-letters"
SECRET = "a sentence that nobody else may read"


@pytest.fixture(scope="module")
def locked(start_server: Callable[..., Any], model_directory: Path) -> Iterator[Any]:
    with start_server({"tiny": str(model_directory)}, api_key=KEY, allowed_hosts=("models.example",)) as running:
        yield running


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.10"])
def test_other_machines_are_let_in_by_a_word_only(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "nowhere", "--port", "0", "--host", host]) == 2
    error = capsys.readouterr().err
    assert f"on {host} other machines reach this server. Give --api-key KEY" in error
    assert "--insecure" in error


def test_a_key_that_can_be_guessed_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "nowhere", "--port", "0", "--api-key", "secret"]) == 2
    error = capsys.readouterr().err
    assert "the API key has 6 characters; it must have at least 16" in error


@pytest.mark.parametrize(
    "key", ["sixteen letters\nand another line", "sixteen letters and spaces", "sixteen-letters-\x7f"]
)
def test_a_key_that_no_header_carries_is_refused(tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "key").write_text(key + "\n")
    assert main(["serve", "nowhere", "--port", "0", "--api-key-file", str(tmp_path / "key")]) == 2
    error = capsys.readouterr().err
    assert "letters, digits and signs, without spaces or line breaks" in error
    assert "sixteen" not in error


PATHS = ["/", "/v1/models", "/v1/models/tiny", "/ready", "/metrics", "/openapi.json", "/docs", "/nothing", "//health",
         "/health/", "/health/../v1/models", "/HEALTH", "/tokenizer_info", "/%2fhealth", "/health%2f..%2fv1%2fmodels",
         "/health;x", "/health%00"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_every_address_but_health_asks_for_the_key(locked: Any, path: str) -> None:
    for authorization in ("", "Bearer wrong", f"Bearer {KEY}x", f"bearer{KEY}", KEY, "Basic !!", f"Digest {KEY}"):
        headers = {"Authorization": authorization} if authorization else {}
        status, content = locked.get(path, **headers)
        assert (status, content["error"]["code"]) == (401, "invalid_api_key")
        assert KEY not in json.dumps(content)
    assert locked.get(path, Authorization=f"Bearer {KEY}")[0] != 401


def test_the_key_opens_as_bearer_and_as_password(locked: Any) -> None:
    import base64

    password = base64.b64encode(f"anybody:{KEY}".encode()).decode()
    assert locked.get("/v1/models", Authorization=f"Bearer {KEY}")[0] == 200
    assert locked.get("/v1/models", Authorization=f"bearer  {KEY} ")[0] == 200
    assert locked.get("/docs", Authorization=f"Basic {password}")[0] == 200
    assert locked.post("/v1/completions", {"prompt": "x"})[0] == 401
    assert locked.get("/health") == (200, {"status": "ok"})
    assert locked.get("/health?x=/v1/models") == (200, {"status": "ok"})


def test_browsers_are_asked_for_a_password_and_programs_are_not(locked: Any, exchange: Callable[..., bytes]) -> None:
    head = b"GET /docs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    assert b'www-authenticate: Basic realm="gpt25"' in exchange(locked.address, head + b"Accept: text/html\r\n\r\n")
    assert b'www-authenticate: Bearer realm="gpt25"' in exchange(locked.address, head + b"\r\n")


def test_keys_are_compared_in_constant_time(locked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compared, compare = [], hmac.compare_digest

    def noted(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    for key in ("", "x", KEY[:-1], KEY, "y" * 1000):
        locked.get("/v1/models", Authorization=f"Bearer {key}")
    assert compared == [(32, 32)] * 5, "whatever is sent, two hashes of one length are compared"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", "localhost:80:80", "[::2]"])
def test_another_servers_name_is_refused(server: Any, exchange: Callable[..., bytes], host: str) -> None:
    answer = exchange(server.address, f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert host.encode() not in answer


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]"])
def test_own_names_are_answered(server: Any, exchange: Callable[..., bytes], host: str) -> None:
    request = f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert exchange(server.address, request.encode()).startswith(b"HTTP/1.1 200 ")


def test_a_name_that_is_allowed_is_answered(locked: Any) -> None:
    assert locked.get("/health", Host="models.example")[0] == 200
    assert locked.get("/health", Host="other.example")[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "file://"])
def test_pages_of_elsewhere_are_refused(server: Any, origin: str) -> None:
    host = server.url.removeprefix("http://")
    status, content = server.post("/v1/completions", {"prompt": "x"}, Origin=origin)
    assert (status, content["error"]["code"]) == (403, "origin")
    assert server.get("/v1/models", Origin=origin)[0] == 403
    assert server.post("/v1/completions", {"prompt": "x", "max_tokens": 1}, Origin=f"http://{host}")[0] == 200


def test_no_page_of_elsewhere_is_given_leave(server: Any, exchange: Callable[..., bytes]) -> None:
    preflight = (
        b"OPTIONS /v1/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
        b"Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
    )
    answer = exchange(server.address, preflight)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize(
    "name",
    [
        "../tiny",
        "/etc/passwd",
        "http://evil.example/model",
        "owner/name",
        "TINY",
        "",
        "tiny\0",
        "C:\\model",
        "gpt2",
        "x" * 5000,
    ],
)
def test_a_model_is_named_from_the_list_and_nowhere_else(server: Any, name: str, model_directory: Path) -> None:
    status, content = server.post("/v1/completions", {"prompt": "x", "model": name})
    assert (status, content["error"]["code"]) == (404, "model_not_found")
    assert content["error"]["message"] == "there is no model of that name; this server has tiny."
    status, content = server.post("/v1/completions", {"prompt": "x", "model": str(model_directory)})
    assert status == 404
    assert str(model_directory) not in json.dumps(content)


def test_nothing_that_clients_send_is_written_down(
    start_server: Callable[..., Any], model_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_server({"tiny": str(model_directory)}, api_key=KEY) as server:
        opened = {"Authorization": f"Bearer {KEY}"}
        server.post("/v1/completions", {"prompt": SECRET, "stop": SECRET, "user": SECRET}, **opened)
        server.post("/v1/completions", {"prompt": SECRET, SECRET: SECRET, "temperature": SECRET}, **opened)
        server.get(f"/{SECRET.replace(' ', '-')}?{SECRET.replace(' ', '-')}", **opened)
        server.get("/v1/models", Authorization=f"Bearer {SECRET}")

        def fail(*_arguments: object) -> None:
            raise RuntimeError(SECRET)

        monkeypatch.setattr(server.serving.driver, "submit", fail)
        status, content = server.post("/v1/completions", {"prompt": SECRET}, **opened)
        assert (status, content["error"]["type"]) == (500, "server_error")
        assert SECRET not in json.dumps(content)
        _, figures = server.get("/metrics", **opened)
        said = "\n".join(server.reports) + figures
    assert "POST /v1/completions 200" in said
    assert "a request failed with RuntimeError in " in said
    for word in (SECRET, SECRET.replace(" ", "-"), KEY, str(model_directory)):
        assert word not in said


def test_forms_and_plain_text_are_no_requests(server: Any) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        status, content = server.post("/v1/completions", {"prompt": "x"}, **{"Content-Type": kind})
        assert (status, content["error"]["message"]) == (
            415,
            "send JSON, with the header Content-Type: application/json.",
        )
