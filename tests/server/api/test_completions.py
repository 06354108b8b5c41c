"""/v1/completions: what a request may say, and what it gets."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpt25.generation import TextGenerator
from gpt25.weights import load_pretrained


@pytest.fixture(scope="module")
def generator(model_directory: Path) -> TextGenerator:
    return TextGenerator(*load_pretrained(model_directory))


def streamed(server: Any, **fields: Any) -> list[dict[str, Any]]:
    """The objects of a stream, which ends as it should."""
    status, content = server.post("/v1/completions", {**fields, "stream": True})
    assert status == 200, content
    *events, last, empty = content.split("\n\n")
    assert (last, empty) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def nearly_equal(left: Any, right: Any) -> bool:
    """Whether two log-probabilities, or all of two tables, agree within what another batch's rounding makes."""
    if left is None or right is None:
        return left is right
    if isinstance(left, dict):
        return set(left) == set(right) and all(nearly_equal(left[token], right[token]) for token in left)
    return abs(left - right) < 1e-5


def test_served_is_generated(server: Any, generator: TextGenerator) -> None:
    samples = generator.generate("Hello", samples=3, seed=11, max_new_tokens=16)
    answer = server.complete(model="tiny", prompt="Hello", n=3, seed=11)
    assert [choice["text"] for choice in answer["choices"]] == [sample.text for sample in samples]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert answer["usage"] == {"prompt_tokens": 5, "completion_tokens": 48, "total_tokens": 53}
    assert (answer["object"], answer["model"]) == ("text_completion", "tiny")


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "Hello", "max_tokens": 20},
        {"prompt": ["One", "Two"], "n": 2, "max_tokens": 9, "logprobs": 3},
        {"prompt": "échò", "echo": True, "logprobs": 1, "max_tokens": 12},
        {"prompt": "only read", "echo": True, "logprobs": 0, "max_tokens": 0},
        {"prompt": "stop", "stop": ["e", "\n", "o"], "n": 4, "max_tokens": 40, "logprobs": 2},
    ],
)
def test_a_stream_says_piece_by_piece_what_a_whole_answer_says(server: Any, fields: dict[str, Any]) -> None:
    whole = server.complete(seed=3, **fields)
    chunks = streamed(server, seed=3, stream_options={"include_usage": True}, **fields)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == whole["usage"]
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert {frozenset(chunk) for chunk in chunks} == {frozenset(whole)}
    for choice in whole["choices"]:
        own = [each for chunk in chunks for each in chunk["choices"] if each["index"] == choice["index"]]
        assert {frozenset(each) for each in own} == {frozenset(choice)}
        assert "".join(each["text"] for each in own) == choice["text"]
        assert [each["finish_reason"] for each in own] == [None] * (len(own) - 1) + [choice["finish_reason"]]
        if choice["logprobs"] is not None:
            for name, values in choice["logprobs"].items():
                said = [value for each in own for value in each["logprobs"][name]]
                assert said == values or all(map(nearly_equal, said, values))


def test_what_is_wrong_is_named_with_its_range(server: Any) -> None:
    error = server.refused(prompt="x", temperature=-1)
    assert error == {
        "message": "temperature must be a number from 0 to 2; 0 always takes the likeliest token.",
        "type": "invalid_request_error",
        "param": "temperature",
        "code": None,
    }


def test_models_are_listed(server: Any) -> None:
    status, content = server.get("/v1/models")
    assert (status, [model["id"] for model in content["data"]]) == (200, ["tiny"])
    assert server.get("/v1/models/tiny")[1] == content["data"][0]
    assert server.get("/v1/models/other")[0] == 404


def test_health_and_readiness(server: Any) -> None:
    assert server.get("/health") == (200, {"status": "ok"})
    assert server.get("/ready") == (200, {"status": "ready"})
