"""Means and standard errors against the standard library's own figures, and how sure an order is."""

import math
from pathlib import Path

import pytest

from gpt25.recipes.sweep.sweep_plan import SweepRun
from gpt25.recipes.sweep.sweep_results import Combination, RunResult, sweep_results, verdict
from gpt25.records import RunDirectory, Summary
from gpt25.training import TrainingConfiguration


def combination(value: str, *losses: float | None) -> Combination:
    results = [RunResult(Path(value), seed, loss, 1.0) for seed, loss in enumerate(losses)]
    return Combination((("a.b", value),), results)


def test_means_and_standard_errors() -> None:
    found = combination("1", 2.0, 2.2, 2.7, None)
    assert found.mean == pytest.approx(2.3)
    assert found.standard_error == pytest.approx(math.sqrt((0.3**2 + 0.1**2 + 0.4**2) / 2 / 3))
    assert combination("1", 2.0).standard_error is None
    assert combination("1", None).mean is None


def test_runs_that_have_not_ended_count_for_nothing(tmp_path: Path) -> None:
    runs = [
        SweepRun(f"{value}-{seed}", (("a.b", value),), seed, TrainingConfiguration())
        for value in "12"
        for seed in (1, 2)
    ]
    for run, finished, loss in zip(runs, (True, False, True, True), (3.0, 1.0, 2.0, 2.5), strict=True):
        directory = RunDirectory(tmp_path / "runs" / run.name)
        directory.path.mkdir(parents=True)
        directory.write_summary(Summary("a run", finished=finished, validation_loss=loss, training_seconds=4.0))
    best, other = sweep_results(tmp_path, runs)
    assert (dict(best.changes), best.mean, best.losses) == ({"a.b": "2"}, 2.25, [2.0, 2.5])
    assert (dict(other.changes), other.losses) == ({"a.b": "1"}, [3.0])
    assert best.as_json()["standard_error"] == pytest.approx(0.25)
    assert best.as_json()["runs"][0] == {
        "run": str(tmp_path / "runs" / "2-1"),
        "seed": 1,
        "validation_loss": 2.0,
        "training_seconds": 4.0,
    }


def test_how_sure_the_order_is() -> None:
    assert verdict([combination("1", 2.0)]) is None
    assert "more seeds would tell" in (verdict([combination("1", 2.0), combination("2", 2.5)]) or "")
    far = verdict([combination("1", 2.0, 2.02), combination("2", 2.5, 2.52)])
    assert far == (
        "The first is ahead of the second by 0.5000 ± 0.0141 (standard error): more than twice the error, which is "
        "more than luck."
    )
    assert "which may be luck" in (verdict([combination("1", 2.0, 2.4), combination("2", 2.1, 2.5)]) or "")
