"""Texts to tokens and back."""

from typing import Any

import pytest

from gpt25.tokenizer import Tokenizer


@pytest.mark.parametrize("text", ["", "Hello", "échò 🙂\0\n", "x" * 200_000])
def test_a_text_comes_back_from_its_tokens(server: Any, byte_tokenizer: Tokenizer, text: str) -> None:
    status, content = server.post("/tokenize", {"prompt": text, "add_special_tokens": False})
    assert (status, content["tokens"]) == (200, byte_tokenizer.encode(text))
    assert content["count"] == len(content["tokens"])
    assert content["max_model_len"] == 128
    assert server.post("/detokenize", {"tokens": content["tokens"]}) == (200, {"prompt": text})


def test_special_tokens_are_parsed_or_left_as_text(server: Any) -> None:
    tokens = server.post("/tokenize", {"prompt": "a<|endoftext|>"})[1]["tokens"]
    assert tokens[1:] == [256]
    assert server.post("/tokenize", {"prompt": "<|endoftext|>", "special_tokens": "text"})[1]["count"] == 13
    assert server.post("/detokenize", {"tokens": tokens})[1] == {"prompt": "a<|endoftext|>"}


def test_how_each_token_reads_is_told(server: Any) -> None:
    content = server.post("/tokenize", {"prompt": "aé", "return_token_strs": True})[1]
    assert content["token_strs"] == ["a", r"bytes:\xc3", r"bytes:\xa9"]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/tokenize", {}, "prompt"),
        ("/tokenize", {"prompt": 5}, "prompt"),
        ("/tokenize", {"prompt": "\ud800"}, "prompt"),
        ("/detokenize", {"tokens": [257]}, "tokens"),
        ("/detokenize", {"tokens": [-1]}, "tokens"),
        ("/detokenize", {"tokens": ["a"]}, "tokens"),
        ("/detokenize", {"tokens": "a"}, "tokens"),
    ],
)
def test_what_cannot_be_read_is_refused(server: Any, path: str, body: Any, param: str) -> None:
    status, content = server.post(path, body)
    assert (status, content["error"]["param"]) == (400, param)


def test_the_tokenizer_is_described_for_clients_that_ask(server: Any) -> None:
    status, content = server.get("/tokenizer_info")
    assert status == 200
    assert (content["eos_token"], content["chat_template"], content["vocabulary_size"]) == ("<|endoftext|>", None, 257)
