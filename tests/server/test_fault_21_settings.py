"""Fault 21: settings out of every range; the engine never dies of them."""

import json
from typing import Any

import pytest

HUGE = 10**400


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("temperature", (-1, "hot", 2.1, HUGE, True, [], {})),
        ("top_p", (0, 2, -0.5, "1", True)),
        ("top_k", (-5, 0, 1.5, HUGE, "10")),
        ("min_p", (1, -1, "0")),
        ("n", (0, -1, 129, 10**6, 10**12, 1.5, "2", True)),
        ("best_of", (-1, 21, 10**6)),
        ("max_tokens", (-1, 10**12, 1.5, HUGE)),
        ("logprobs", (-1, 6, True, 1.5)),
        ("presence_penalty", (-2.1, 2.1, "1")),
        ("frequency_penalty", (-2.1, 2.1, HUGE)),
        ("repetition_penalty", (0, -1, 101)),
        ("logit_bias", ({"300": 1}, {"-1": 1}, {"65": 101}, {"65": "x"}, {"x": 1}, {"065": 1}, {"٣": 1}, [])),
        ("seed", (1.5, "7", 1 << 63, -(1 << 63) - 1)),
        ("stop", (["x"] * 17, [""], "", 5, [5], ["x" * 257])),
        ("stream", ("yes", 1)),
        ("stream_options", ({"include_usage": True}, [])),
        ("echo", (1, "true")),
        ("user", (5, [])),
        ("special_tokens", ("both",)),
    ],
)
def test_a_setting_out_of_range_is_refused_by_its_name(server: Any, field: str, values: tuple[Any, ...]) -> None:
    for value in values:
        error = server.refused(**{"prompt": "x", field: value})
        assert error["param"] == field, error
        assert field in error["message"], error
        assert len(error["message"]) < 300
    assert server.complete(prompt="still here", max_tokens=1)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("field", ["temperature", "top_p", "min_p", "presence_penalty", "repetition_penalty"])
def test_what_is_no_number_is_refused(server: Any, field: str, number: str) -> None:
    status, content = server.post("/v1/completions", f'{{"prompt": "x", "{field}": {number}}}'.encode())
    assert status == 400
    assert content["error"]["param"] == field


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"5",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"logit_bias": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b'{"max_tokens": ' + b"9" * 100_000 + b"}",
        b'{"prompt": "\\ud800"}',
    ],
    ids=["empty", "words", "list", "number", "string", "null", "bytes", "deep", "deep objects", "deep prompt",
         "deep bias", "many digits", "half a character"],
)  # fmt: skip
def test_a_body_that_is_no_request_is_refused(server: Any, body: bytes) -> None:
    status, content = server.post("/v1/completions", body)
    assert status == 400
    assert len(content["error"]["message"]) < 300
    assert server.complete(prompt="still here", max_tokens=1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"prompt": "\xff"}', "the body is not JSON in UTF-8."),
        (b"\x1f\x8b\x08", "the body is not JSON in UTF-8."),
        (b'{"prompt": "x",}', "the body is not JSON."),
        (b'{"prompt": "x", "\\ud800": 1}', "the body names a field by a lone surrogate, half a letter."),
    ],
    ids=["no UTF-8", "packed", "comma", "half a name"],
)
def test_what_is_wrong_with_a_body_is_said(server: Any, body: bytes, message: str) -> None:
    status, content = server.post("/v1/completions", body)
    assert (status, content["error"]["message"]) == (400, message)


def test_an_unknown_field_is_refused_with_the_nearest(server: Any) -> None:
    error = server.refused(prompt="x", temprature=1)
    assert error["message"] == "Unrecognized request argument supplied: temprature. Did you mean temperature?"
    hostile = server.refused(prompt="x", **{"<script>" * 100: 1})
    assert "<script>" not in json.dumps(hostile)


def test_temperature_0_is_greedy(server: Any) -> None:
    texts = {server.complete(prompt="x", temperature=0, seed=seed)["choices"][0]["text"] for seed in range(3)}
    assert len(texts) == 1


def test_suffix_is_refused_with_the_reason(server: Any) -> None:
    error = server.refused(prompt="x", suffix="the end")
    assert error["param"] == "suffix"
    assert "it does not fill in before an ending" in error["message"]
    assert server.complete(prompt="x", suffix=None, max_tokens=1)
