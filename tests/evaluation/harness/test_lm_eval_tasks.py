import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gpt25.errors import EvaluationError
from gpt25.evaluation.harness.harness_settings import HarnessSettings
from gpt25.evaluation.harness.lm_eval_tasks import HarnessResult, HarnessScore, score_harness_task
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer

RESULTS = {
    "results": {
        "piqa": {
            "alias": "piqa",
            "acc,none": 0.5,
            "acc_stderr,none": 0.1,
            "exact_match,strict": 0.25,
            "exact_match_stderr,strict": "N/A",
        },
        "piqa_part": {"acc,none": 1},
    },
    "versions": {"piqa": 1.0},
    "n-shot": {"piqa": 5},
    "samples": {
        "piqa": [
            {"doc_id": number, "filter": name, "acc": number % 2, "exact_match": 0.25, "doc_hash": "h"}
            for number in range(4)
            for name in ("none", "strict")
        ],
    },
}


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stands in for lm-eval: its `simple_evaluate` asks one pair and answers as set."""

    class LM:
        def __init__(self) -> None:
            self.cache_hook = SimpleNamespace(add_partial=lambda *_words: None)

    modules = {name: ModuleType(name) for name in ("lm_eval", "lm_eval.api", "lm_eval.api.model")}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    modules["lm_eval.api.model"].LM = LM  # type: ignore[attr-defined]
    modules["lm_eval"].__version__ = "0.4.9"  # type: ignore[attr-defined]
    return modules["lm_eval"]


def test_figures_errors_and_definitions_are_the_harnesss(
    tiny_model: GPTModel,
    byte_tokenizer: Tokenizer,
    harness: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def simple_evaluate(*, model: Any, **words: Any) -> Any:
        assert len(model.loglikelihood([SimpleNamespace(args=("The", " cat"))])) == 1
        assert (words["tasks"], words["limit"], words["num_fewshot"]) == (["piqa"], 7, 5)
        assert (words["task_manager"].path, words["log_samples"]) == (str(tmp_path), True)
        return RESULTS

    class TaskManager:
        def __init__(self, include_path: str) -> None:
            self.path = include_path

    tasks = ModuleType("lm_eval.tasks")
    tasks.TaskManager = TaskManager  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lm_eval.tasks", tasks)

    harness.simple_evaluate = simple_evaluate  # type: ignore[attr-defined]
    settings = HarnessSettings(limit=7, num_fewshot=5, include_path=tmp_path)
    result = score_harness_task("piqa", tiny_model, byte_tokenizer, settings=settings)
    found = result.scores
    definition = "lm-evaluation-harness 0.4.9, task piqa version 1.0, 5 examples"
    assert found[:2] == [
        HarnessScore("acc", 0.5, 0.1, definition),
        HarnessScore("exact_match (strict)", 0.25, None, definition),
    ]
    assert (found[2].metric, found[2].value, found[2].standard_error) == ("piqa_part acc", 1.0, None)
    assert found[0].measurement is not None
    assert found[0].measurement.numerators.tolist() == [0, 1, 0, 1]
    assert found[1].measurement is not None
    assert found[1].measurement.numerators.tolist() == [0.25] * 4
    assert found[2].measurement is None
    assert result.fingerprint is not None
    assert HarnessResult([]).fingerprint is None


def test_what_the_harness_cannot_do_is_said_in_a_line(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, harness: ModuleType
) -> None:
    def simple_evaluate(**_words: Any) -> Any:
        raise KeyError("no\nsuch task")

    harness.simple_evaluate = simple_evaluate  # type: ignore[attr-defined]
    with pytest.raises(
        EvaluationError, match=r"cannot run its task 'piqqa': KeyError: .*`lm-eval ls tasks` lists"
    ) as raised:
        score_harness_task("piqqa", tiny_model, byte_tokenizer)
    assert "\n" not in str(raised.value)
