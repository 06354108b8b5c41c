"""The description of the API, as a page and for programs."""

import re
from collections.abc import Callable
from typing import Any

from gpt25.server.api.completion_request import ALLOWED, CompletionRequest
from gpt25.server.reference.answer_shapes import CompletionAnswer


def test_the_page_names_every_address_and_every_field_and_asks_nobody_else(
    server: Any, exchange: Callable[..., bytes]
) -> None:
    head, _, body = (
        exchange(server.address, b"GET /docs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .decode()
        .partition("\r\n\r\n")
    )
    _, schema = server.get("/openapi.json")
    for path in schema["paths"]:
        assert path in body
    for name in CompletionRequest.model_fields:
        assert f"<code>{name}</code>" in body
    assert set(ALLOWED) == set(CompletionRequest.model_fields)
    assert "content-security-policy: default-src 'none'; style-src 'sha256-" in head
    assert not re.search(r"(src|href)=['\"]?(https?:)?//", body)
    assert "<script" not in body
    assert "style=" not in body


def test_answers_have_the_shape_that_is_described(server: Any) -> None:
    for fields in ({}, {"logprobs": 5, "echo": True, "n": 2}, {"logprobs": 0}):
        CompletionAnswer.model_validate(server.complete(prompt="é", **fields), strict=True)
