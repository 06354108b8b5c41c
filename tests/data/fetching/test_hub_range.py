import importlib
from typing import Any

import huggingface_hub
import pytest

from gpt25.data.fetching.hub_range import fetch_hub_range
from gpt25.data.sources import hub_download
from gpt25.data.sources.hub_listing import HubFile
from gpt25.errors import DataError

httpx: Any = importlib.import_module("huggingface_hub.utils").httpx
FILE = HubFile("some/set", "commit", "part_0.jsonl", 26, None, "blob")
CONTENT = b"abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the Hub answers, one after the other; the last one again and again. Without waiting in between."""
    given: list[Any] = []

    def answer(request: Any) -> Any:
        made = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(made, Exception):
            raise made
        return made(request)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: client)
    monkeypatch.setattr(hub_download.time, "sleep", lambda _: None)
    return given


def asked_for(request: Any) -> Any:
    first, last = request.headers["Range"].removeprefix("bytes=").split("-")
    return httpx.Response(206, content=CONTENT[int(first) : int(last) + 1])


def test_only_the_bytes_are_asked_for(answers: list[Any]) -> None:
    answers.append(asked_for)
    assert fetch_hub_range(FILE, 3, 9) == b"defghi"


def test_what_passes_is_waited_out(answers: list[Any]) -> None:
    answers += [lambda _: httpx.Response(503), httpx.ConnectError("down"), asked_for]
    assert fetch_hub_range(FILE, 0, 2) == b"ab"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda _: httpx.Response(200, content=CONTENT), "has status 200, which is all of the file"),
        (lambda _: httpx.Response(206, content=b"a"), "bytes 3 to 9 were asked for, and 1 bytes came"),
        (lambda _: httpx.Response(404), "there is nothing at its address"),
        (lambda _: httpx.Response(429), r"the Hub refuses so many requests \(429\)"),
        (httpx.ConnectError("down"), "the Hub cannot be reached"),
    ],
)
def test_what_does_not_pass_is_one_line(answer: Any, message: str, answers: list[Any]) -> None:
    answers.append(answer)
    with pytest.raises(DataError, match=message) as found:
        fetch_hub_range(FILE, 3, 9)
    assert "some/set" in str(found.value)
    assert "\n" not in str(found.value)
