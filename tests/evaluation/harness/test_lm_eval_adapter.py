"""The adapter against the harness's interface; docs/log.md has the comparison with the harness itself."""

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


def test_free_answers_are_greedy_and_end_before_a_stop(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, kept: list[Any]
) -> None:
    tokens = byte_tokenizer.encode("The cat")
    for _ in range(8):
        tokens.append(int(tiny_model(torch.tensor([tokens]))[0, -1].argmax()))
    written = byte_tokenizer.decode(tokens[7:])
    model = lm_eval_model(tiny_model, byte_tokenizer)
    asked = [{"until": [], "max_gen_toks": 8}, {"until": written[4], "max_gen_toks": 8, "do_sample": False}]
    found = model.generate_until(instances(*[("The cat", settings) for settings in asked]))
    assert found == [written, written[: written.find(written[4])]]
    (long,) = model.generate_until(instances(("word " * 50, {"until": ["\n\n"], "max_gen_toks": 200})))
    assert len(byte_tokenizer.encode(long)) <= 64
    assert len(kept) == 3


def test_sampling_is_refused(tiny_model: GPTModel, byte_tokenizer: Tokenizer, kept: list[Any]) -> None:
    with pytest.raises(EvaluationError, match=r"asks for sampling at temperature 0.7; only greedy answers"):
        lm_eval_model(tiny_model, byte_tokenizer).generate_until(
            instances(("The", {"do_sample": True, "temperature": 0.7}))
        )
    assert kept == []


def test_without_the_extra_its_name_is_said(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(MissingExtraError, match=r"install it with: pip install 'gpt25\[evaluate\]'"):
        lm_eval_model(tiny_model, byte_tokenizer)
