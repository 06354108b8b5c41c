"""Fault 26: counts of 10^9, negative and huge ones, nothing at all, a million tokens: refused before anything runs."""

import json
from typing import Any

import pytest

from gpt25.server.api import asked_completion


@pytest.fixture
def nothing_is_scheduled(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise AssertionError("a request that cannot be was scheduled")

    monkeypatch.setattr(server.serving.driver, "submit", fail)


@pytest.mark.parametrize("field", ["n", "best_of"])
@pytest.mark.parametrize("value", [10**9, -1, -(10**9), 10**30, -(10**30), 10**300])
def test_counts_are_refused_with_their_range(server: Any, nothing_is_scheduled: None, field: str, value: int) -> None:
    error = server.refused(prompt="x", **{field: value})
    assert error["param"] == field
    assert "a whole number from" in error["message"]


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([], "an empty list"),
        ([[]], "an empty list"),
        ([[65], []], "an empty list"),
        ([65, "a"], "a string at place 1"),
        (["a", 65], "a string at place 0"),
        ([[65], "a"], "a list at place 0"),
        ([True], "a boolean at place 0"),
        ([1.5], "a number at place 0"),
        ([None], "null at place 0"),
        ([[["a"]]], "a list at place 0"),
        ({"text": "a"}, "an object"),
        (5, "a number"),
        ([65] * 1_000_000, "it has 1,000,000 tokens"),
        ([[65]] * 1025, "a list of 1,025"),
        (["a"] * 100_000, "a list of 100,000"),
    ],
)
def test_prompts_that_cannot_be_are_refused(server: Any, nothing_is_scheduled: None, prompt: Any, message: str) -> None:
    error = server.refused(prompt=prompt)
    assert error["param"] == "prompt"
    assert message in error["message"], error
    assert len(json.dumps(error)) < 400


def test_too_much_together_is_refused(server: Any, nothing_is_scheduled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_completion, "MOST_TOKENS_OF_A_REQUEST", 10_000)
    assert server.refused(prompt=["x"] * 1000, n=2)["message"].startswith("1000 prompts with 2 texts each")
    error = server.refused(prompt=["x"] * 2, n=100, max_tokens=50)
    assert error["message"].startswith("the request is about 10,002 tokens, of prompts and texts together")


def test_best_of_and_n_have_to_fit_together(server: Any, nothing_is_scheduled: None) -> None:
    assert server.refused(prompt="x", n=5, best_of=4)["param"] == "best_of"
    assert server.refused(prompt="x", best_of=4, stream=True)["param"] == "best_of"
    assert server.refused(prompt="x", max_tokens=0)["param"] == "max_tokens"


def test_zero_for_best_of_means_as_many_as_are_wanted(server: Any) -> None:
    assert len(server.complete(prompt="x", n=3, best_of=0, max_tokens=1)["choices"]) == 3
    assert len(server.complete(prompt="x", n=128, max_tokens=1)["choices"]) == 128
