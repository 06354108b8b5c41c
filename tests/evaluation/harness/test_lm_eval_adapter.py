"""The adapter against the harness's interface; docs/log.md has the comparison with the harness itself."""

import re
import sys
from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from gpt25.errors import EvaluationError, MissingExtraError
from gpt25.evaluation import Request
from gpt25.evaluation.harness.lm_eval_adapter import lm_eval_model
from gpt25.evaluation.scoring.windows import windows
from gpt25.installation import install_command
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Stands in for the harness's base class; what its cache was handed."""
    handed: list[Any] = []

    class LM:
        def __init__(self) -> None:
            self.cache_hook = SimpleNamespace(add_partial=lambda *words: handed.append(words))

    for name in ("lm_eval", "lm_eval.api", "lm_eval.api.model"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["lm_eval.api.model"].LM = LM  # type: ignore[attr-defined]
    return handed


def instances(*arguments: Any) -> list[Any]:
    return [SimpleNamespace(args=each) for each in arguments]


def test_log_likelihoods_are_those_of_transformers(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, oracle: Callable[[Sequence[Request]], Any], kept: list[Any]
) -> None:
    pairs = [("The cat ", "sat"), ("The cat ", "ran away"), ("", "The"), ("long " * 40, "end")]
    found = lm_eval_model(tiny_model, byte_tokenizer).loglikelihood(instances(*pairs), disable_tqdm=True)
    encoded = [("The cat", " sat"), ("The cat", " ran away"), ("", "The"), ("long " * 39 + "long", " end")]
    requests = [
        Request(tuple(byte_tokenizer.encode(context)) or (256,), tuple(byte_tokenizer.encode(text)))
        for context, text in encoded
    ]
    for (log_likelihood, greedy), (expected, likeliest) in zip(found, oracle(requests), strict=True):
        assert log_likelihood == pytest.approx(sum(expected), abs=1e-3)
        assert greedy == all(likeliest)
    assert kept == [("loglikelihood", pair, answer) for pair, answer in zip(pairs, found, strict=True)]


def test_whole_texts_are_scored_window_by_window(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, oracle: Callable[[Sequence[Request]], Any], kept: list[Any]
) -> None:
    texts = ["short", "a text of more than one block " * 6]
    found = lm_eval_model(tiny_model, byte_tokenizer).loglikelihood_rolling(instances(*[(text,) for text in texts]))
    for text, log_likelihood in zip(texts, found, strict=True):
        requests = windows(byte_tokenizer.encode(text), end_of_text_id=256, block_size=64)
        assert log_likelihood == pytest.approx(sum(sum(each) for each, _ in oracle(requests)), rel=1e-4)
    assert len(kept) == 2


def test_special_tokens_in_a_tasks_texts_are_parsed_as_by_the_harnesss_own_model(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, oracle: Callable[[Sequence[Request]], Any], kept: list[Any]
) -> None:
    (name,) = byte_tokenizer.special_tokens
    model = lm_eval_model(tiny_model, byte_tokenizer)
    ((log_likelihood, _),) = model.loglikelihood(instances((f"a{name}b", " c")))
    tokens = [*byte_tokenizer.encode("a"), 256, *byte_tokenizer.encode("b")]
    ((expected, _),) = oracle([Request(tuple(tokens), tuple(byte_tokenizer.encode(" c")))])
    assert log_likelihood == pytest.approx(sum(expected), abs=1e-3)
    (whole,) = model.loglikelihood_rolling(instances((f"a{name}b",)))
    ((expected, _),) = oracle(windows(tokens, end_of_text_id=256, block_size=64))
    assert whole == pytest.approx(sum(expected), rel=1e-4)
    (written,) = model.generate_until(instances((f"a{name}b", {"until": [], "max_gen_toks": 8})))
    start = len(tokens)
    for _ in range(8):
        tokens.append(int(tiny_model(torch.tensor([tokens]))[0, -1].argmax()))
    assert written == byte_tokenizer.decode(tokens[start:]).partition(name)[0]


def greedy(model: GPTModel, tokenizer: Tokenizer, context: str, length: int) -> str:
    """What a loop without batches, caches and stops writes."""
    tokens = tokenizer.encode(context)[length - 64 :]
    start = len(tokens)
    for _ in range(length):
        tokens.append(int(model(torch.tensor([tokens]))[0, -1].argmax()))
    return tokenizer.decode(tokens[start:]).partition("<|endoftext|>")[0]


def test_free_answers_are_greedy_and_end_before_a_stop(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, kept: list[Any]
) -> None:
    written = greedy(tiny_model, byte_tokenizer, "The cat", 8)
    model = lm_eval_model(tiny_model, byte_tokenizer)
    stop = written[4]
    asked = [
        {"until": [], "max_gen_toks": 8},
        {"until": stop, "max_new_tokens": 8, "do_sample": False, "temperature": 0.7, "top_p": 0.9},
        {"until": None, "max_tokens": "8", "num_beams": 1},
        {"max_completion_tokens": 30, "max_gen_toks": 3},
    ]
    found = model.generate_until(instances(*[("The cat", settings) for settings in asked]))
    assert found == [written, written[: written.find(stop)], written, written[:3]]
    assert len(kept) == 4


def test_many_answers_at_once_are_those_that_each_gets_alone(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, kept: list[Any]
) -> None:
    contexts = ["x" * (1 + 7 * number % 61) + str(number) for number in range(40)]
    asked = instances(*[(context, {"max_gen_toks": 4 + number % 2}) for number, context in enumerate(contexts)])
    found = lm_eval_model(tiny_model, byte_tokenizer).generate_until(asked)
    assert found == [greedy(tiny_model, byte_tokenizer, text, 4 + at % 2) for at, text in enumerate(contexts)]
    assert len(set(found)) > 10


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"do_sample": True, "temperature": 0.7}, r"asks for sampling at temperature 0.7; only greedy answers"),
        ({"temperature": 0.7}, r"asks for sampling at temperature 0.7"),
        ({"do_sample": True}, r"asks for sampling without a temperature"),
        ({"do_sample": "no"}, r"do_sample='no'; it must be true or false"),
        ({"temperature": "hot"}, r"temperature='hot'; it must be a number"),
        ({"num_beams": 4}, r"asks for num_beams=4, which is not done here"),
        ({"repetition_penalty": 1.2}, r"asks for repetition_penalty=1.2"),
        ({"max_length": 40}, r"asks for max_length=40"),
        ({"until": [None]}, r"until=\[None\]; it must be a text or a list of texts"),
        ({"until": 7}, r"until=7; it must be"),
        ({"until": [""]}, r"none of them empty"),
        ({"max_gen_toks": 0}, r"max_gen_toks=0; it must be a whole number, at least 1"),
        ({"max_new_tokens": "many"}, r"max_new_tokens='many'; it must be a whole number"),
        ({"max_gen_toks": 64}, r"block holds 64 tokens, prompt and answer together. Set max_gen_toks to at most 63"),
        ({}, r"does not say max_gen_toks, so that it is 256, and the model's block holds 64 tokens"),
    ],
)
def test_what_would_give_another_text_is_refused_by_name(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, kept: list[Any], settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(EvaluationError, match=words):
        lm_eval_model(tiny_model, byte_tokenizer).generate_until(instances(("The", settings)))
    assert kept == []


def test_the_model_tells_what_the_harness_asks_of_it(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, kept: list[Any]
) -> None:
    model = lm_eval_model(tiny_model, byte_tokenizer)
    assert (model.max_length, model.eot_token_id, model.prefix_token_id, model.max_gen_toks) == (64, 256, 256, 256)
    assert model.tokenizer_name == byte_tokenizer.name
    information = model.get_model_info()
    assert information["model_num_parameters"] == sum(each.numel() for each in tiny_model.parameters())
    assert information["model_dtype"] == "torch.float32"
    assert model.chat_template(False) == ""
    with pytest.raises(EvaluationError, match="GPT-2 has no chat template"):
        model.chat_template(True)
    with pytest.raises(EvaluationError, match="Leave apply_chat_template"):
        model.apply_chat_template([{"role": "user", "content": "Hello"}])


def test_without_the_extra_its_name_is_said(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(MissingExtraError, match=rf"install it with: {re.escape(install_command('evaluate'))}$"):
        lm_eval_model(tiny_model, byte_tokenizer)
