"""The verdict: figure by figure, with a test of each, and no more than that."""

from typing import Any

import numpy as np
import pytest

from gpt25.evaluation.kept_items import items_as_json
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.recipes.reproduction.contest import Discipline
from gpt25.recipes.reproduction.verdict import Figure, Judgement, Verdict, judge, overall

DISCIPLINES = [
    Discipline("fineweb", "loss", name="loss"),
    Discipline("hellaswag", "accuracy_norm", name="HellaSwag"),
    Discipline("lambada", "accuracy", name="LAMBADA"),
]


def kept(metric: str, values: Any) -> dict[str, Any]:
    values = np.asarray(values, dtype=float)
    measured = Measurement(metric, "how", values, np.ones(len(values)), higher_is_better=metric != "loss")
    return {
        "model": "a model",
        "units": len(values),
        "definitions": {metric: "how"},
        "items": items_as_json([measured]),
    }


def results(loss: float, right: int, last: int) -> list[dict[str, Any]]:
    noise = np.random.default_rng(0).normal(0, 0.1, 400)
    return [
        kept("loss", loss + noise),
        kept("accuracy_norm", np.arange(400) < right),
        kept("accuracy", np.arange(400) < last),
    ]


def verdicts(own: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[str]:
    return [figure.verdict for figure in judge(DISCIPLINES, own, other)]


def test_better_is_lower_for_losses_and_higher_for_accuracies() -> None:
    assert verdicts(results(3.2, 200, 200), results(3.3, 150, 150)) == ["better"] * 3
    assert verdicts(results(3.3, 150, 150), results(3.2, 200, 200)) == ["worse"] * 3


def test_what_may_be_chance_is_not_shown() -> None:
    own, other = results(3.3, 150, 153), results(3.3, 150, 150)
    assert verdicts(own, other) == ["not shown to differ"] * 3
    figure = judge(DISCIPLINES, own, other)[2]
    assert figure.p_value == pytest.approx(0.25)  # three items, all to one side: 2 / 2^3
    assert figure.difference == pytest.approx(3 / 400)
    assert figure.test.startswith("McNemar, exact: 3 items right only here, 0 only there")


def test_three_figures_are_three_chances_to_err() -> None:
    own, other = results(3.3, 156, 157), results(3.3, 150, 150)
    six, seven = judge(DISCIPLINES, own, other)[1:]
    assert 0.05 / 3 < six.p_value < 0.05  # 2 / 2^6
    assert six.verdict == "not shown to differ"
    assert seven.p_value < 0.05 / 3  # 2 / 2^7
    assert seven.verdict == "better"


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["better", "better", "better"], "better"),
        (["better", "better", "not shown to differ"], "mixed"),
        (["better", "worse", "better"], "mixed"),
        (["worse", "not shown to differ", "not shown to differ"], "worse"),
        (["not shown to differ"] * 3, "not shown to differ"),
    ],
)
def test_better_as_a_whole_needs_every_figure(kinds: list[Judgement], expected: str) -> None:
    assert overall([figure(kind, kind) for kind in kinds]) == expected


def figure(name: str, verdict: Judgement) -> Figure:
    return Figure(name, 0.3, 0.29, 0.01, 0.002, 0.001, verdict, True, "McNemar", "how")


def make_verdict(*, is_trial: bool) -> Verdict:
    figures = [figure("loss", "better"), figure("HellaSwag", "better"), figure("LAMBADA", "worse")]
    return Verdict(overall(figures), figures, "gpt2", is_trial, 5_000_134_656, 1.5, 36.0, "EUR", ["gpt25 reproduce"])


def test_the_verdict_is_said_in_words_and_as_a_table() -> None:
    verdict = make_verdict(is_trial=False)
    assert verdict.in_words == "this model is better in loss and HellaSwag, worse in LAMBADA, compared with gpt2."
    table = verdict.as_markdown()
    assert "| loss | 0.3000 | 0.2900 | +0.0100 ± 0.002 | 0.001 | better |" in table
    assert "5,000,134,656 tokens, 1.50 hours of training, 36.00 EUR." in table
    assert "rial" not in table


def test_a_trial_is_called_one() -> None:
    verdict = make_verdict(is_trial=True)
    assert verdict.in_words.startswith("Trial, which says nothing about OpenAI's GPT-2: ")
    assert verdict.as_json()["is_trial"] is True
    assert {"verdict", "figures", "tokens", "hours", "money"} <= verdict.as_json().keys()
