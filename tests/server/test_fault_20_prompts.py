"""Fault 20: a prompt longer than the block, empty, or of ids that are not there."""

from typing import Any

import pytest

BLOCK_SIZE = 128


@pytest.mark.parametrize(
    ("fields", "message", "param"),
    [
        ({"prompt": "x" * 129, "max_tokens": 1}, "the prompt's 129 tokens and max_tokens 1 do not fit", "max_tokens"),
        ({"prompt": "x" * 100, "max_tokens": 30}, "max_tokens can be at most 29", "max_tokens"),
        ({"prompt": [65] * 129}, "it has 129 tokens, and the model's block size is 128", "prompt"),
        ({"prompt": ["ok", "x" * 200], "max_tokens": 1}, "the prompt's 200 tokens", "max_tokens"),
        ({"prompt": "x" * 100_000}, "it has 100,000 characters, which the block size of 128 tokens cannot", "prompt"),
        ({"prompt": [65, 257]}, "its token id at place 1 is not from 0 to 256", "prompt"),
        ({"prompt": [-1]}, "its token id at place 0 is not from 0 to 256", "prompt"),
        ({"prompt": [10**30]}, "its token id at place 0 is not from 0 to 256", "prompt"),
        ({"prompt": [[65], [65, 300]]}, "its token id at place 1 is not from 0 to 256", "prompt"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_numbers(
    server: Any, fields: dict[str, Any], message: str, param: str
) -> None:
    error = server.refused(**fields)
    assert message in error["message"]
    assert error["param"] == param


def test_the_whole_block_can_be_used(server: Any) -> None:
    full = server.complete(prompt="x" * BLOCK_SIZE, max_tokens=1, logit_bias={"256": -100})
    assert full["usage"] == {"prompt_tokens": 128, "completion_tokens": 1, "total_tokens": 129}
    long = server.complete(prompt="x", max_tokens=BLOCK_SIZE, logit_bias={"256": -100})
    assert long["usage"]["completion_tokens"] == BLOCK_SIZE


@pytest.mark.parametrize(
    "fields", [{}, {"prompt": None}, {"prompt": ""}, {"prompt": "<|endoftext|>"}, {"prompt": [256]}]
)
def test_an_empty_prompt_means_the_token_where_documents_begin(server: Any, fields: dict[str, Any]) -> None:
    answer = server.complete(**fields, seed=4, echo=True)
    assert answer["choices"][0]["text"].startswith("<|endoftext|>")
    expected = server.complete(prompt=[256], seed=4)["choices"][0]["text"]
    assert answer["choices"][0]["text"] == f"<|endoftext|>{expected}"
    assert answer["usage"]["prompt_tokens"] == 1


def test_the_name_of_a_special_token_can_stay_text(server: Any) -> None:
    answer = server.complete(prompt="<|endoftext|>", special_tokens="text", max_tokens=1)
    assert answer["usage"]["prompt_tokens"] == len("<|endoftext|>")
