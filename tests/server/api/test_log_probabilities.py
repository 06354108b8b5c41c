"""Log-probabilities: four lists of one length, and their values are the model's."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained

END = "<|endoftext|>"


def given(server: Any, **fields: Any) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    (choice,) = server.complete(**fields)["choices"]
    assert {len(values) for values in choice["logprobs"].values()} == {len(choice["logprobs"]["tokens"])}
    assert list(choice["logprobs"]) == ["tokens", "token_logprobs", "top_logprobs", "text_offset"]
    return choice, choice["logprobs"]


@pytest.mark.parametrize("likeliest", [0, 1, 5])
def test_they_are_those_of_the_logits(server: Any, model_directory: Path, likeliest: int) -> None:
    prompt = "how likely is this"
    choice, logprobs = given(server, prompt=prompt, echo=True, logprobs=likeliest, max_tokens=9, seed=2)
    model, tokenizer = load_pretrained(model_directory)
    assert tokenizer is not None
    ids = [identifier(tokenizer, token) for token in logprobs["tokens"]]
    assert ids[: len(prompt)] == tokenizer.encode(prompt)
    with torch.no_grad():
        expected = model(torch.tensor([ids]))[0, :, :257].double().log_softmax(-1)  # (time, vocabulary)
    assert logprobs["token_logprobs"][0] is None
    assert logprobs["top_logprobs"][0] is None
    for place in range(1, len(ids)):
        row, own = expected[place - 1], logprobs["token_logprobs"][place]
        assert own == pytest.approx(row[ids[place]].item(), abs=1e-4)
        table = logprobs["top_logprobs"][place]
        largest = row.topk(likeliest).values.tolist()
        assert sorted(table.values(), reverse=True)[:likeliest] == pytest.approx(largest, abs=1e-4)
        assert table[logprobs["tokens"][place]] == own
        assert len(table) - likeliest in (0, 1), "as many as were asked for, and the token itself"
    assert choice["text"].startswith(prompt)


def identifier(tokenizer: Tokenizer, token: str) -> int:
    r"""The id of a token as an answer shows it, "bytes:\\xe9" among them."""
    if token.startswith("bytes:"):
        return tokenizer.encode_bytes(bytes([int(token.removeprefix("bytes:\\x"), 16)]))[0]
    return tokenizer.encode(token, special_tokens="parse")[0]


def test_offsets_count_characters_from_the_prompts_start(server: Any, byte_tokenizer: Tokenizer) -> None:
    _, echoed = given(server, prompt="aé🙂b", echo=True, logprobs=0, max_tokens=0)
    assert echoed["tokens"] == ["a", r"bytes:\xc3", r"bytes:\xa9", r"bytes:\xf0", r"bytes:\x9f", r"bytes:\x99",
                                r"bytes:\x82", "b"]  # fmt: skip
    assert echoed["text_offset"] == [0, 1, 1, 2, 2, 2, 2, 3]
    (letter,) = byte_tokenizer.encode("c")
    _, written = given(server, prompt="aé🙂b", logprobs=0, max_tokens=3, logit_bias={str(letter): 100})
    assert (written["tokens"], written["text_offset"]) == (["c", "c", "c"], [4, 5, 6])


def test_only_reading_gives_the_prompt_and_nothing_else(server: Any) -> None:
    answer = server.complete(prompt=["abc", "de"], echo=True, logprobs=1, max_tokens=0, n=2)
    assert [choice["text"] for choice in answer["choices"]] == ["abc", "abc", "de", "de"]
    assert [choice["finish_reason"] for choice in answer["choices"]] == ["length"] * 4
    assert [len(choice["logprobs"]["tokens"]) for choice in answer["choices"]] == [3, 3, 2, 2]
    assert answer["usage"] == {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}


def test_the_token_at_which_a_text_ends_is_listed_and_is_no_text(server: Any) -> None:
    choice, logprobs = given(server, prompt="abc", echo=True, logprobs=1, max_tokens=9, logit_bias={"256": 100})
    assert (choice["text"], choice["finish_reason"]) == ("abc", "stop")
    assert logprobs["tokens"] == ["a", "b", "c", END], "whoever leaves out the last token leaves out what was written"
    assert logprobs["text_offset"] == [0, 1, 2, 3]


def test_tokens_that_spell_a_stop_string_are_left_out_with_it(server: Any) -> None:
    free, _ = given(server, prompt="x", logprobs=2, max_tokens=30, seed=6, logit_bias={"256": -100})
    stop = free["text"][10:12]
    choice, logprobs = given(server, prompt="x", logprobs=2, max_tokens=30, seed=6, logit_bias={"256": -100}, stop=stop)
    assert choice["text"] == free["text"][: free["text"].index(stop)]
    assert choice["finish_reason"] == "stop"
    assert logprobs["tokens"]
    assert all(offset < 1 + len(choice["text"]) for offset in logprobs["text_offset"])
    assert logprobs["tokens"] == free["logprobs"]["tokens"][: len(logprobs["tokens"])]


def test_what_has_no_probability_has_a_number_all_the_same(server: Any) -> None:
    _, logprobs = given(server, prompt="x", logprobs=1, max_tokens=1, logit_bias={"7": 100})
    assert -10_000 < logprobs["token_logprobs"][0] < 0
