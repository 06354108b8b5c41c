"""`gpt25 sweep --search`: Optuna itself chooses, real runs answer, and an interrupted search goes on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.cli.main import main
from gpt25.errors import Interrupted
from gpt25.recipes.sweep import search
from gpt25.records import RunDirectory

RATE = "optimizer.peak-learning-rate"


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def words(recipe: Path, sweep: Path, trials: int) -> list[str]:
    varied = ["--vary", RATE, "0.0001", "0.1", "--vary", "schedule.name", "cosine", "constant", "trapezoid"]
    return ["sweep", str(recipe), "--run", str(sweep), "--optimizer.name", "adamw", *varied, "--search", str(trials)]


def combinations(sweep: Path) -> list[dict[str, Any]]:
    content: dict[str, Any] = json.loads((sweep / "sweep.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = content["combinations"]
    return found


def test_a_search_stays_in_its_ranges_and_goes_on_after_an_interruption(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep, train_one, begun = tmp_path / "sweep", search.train_one, []

    def interrupting(run: Any, path: Path, *others: Any, **options: Any) -> None:
        begun.append(run.name)
        if len(begun) == 2:
            raise Interrupted(15, "stopped")
        train_one(run, path, *others, **options)

    monkeypatch.setattr(search, "train_one", interrupting)
    assert main(words(recipe, sweep, 3)) == 143
    monkeypatch.setattr(search, "train_one", train_one)
    assert main(words(recipe, sweep, 3)) == 0
    found = combinations(sweep)
    assert [each["runs_finished"] for each in found] == [1, 1, 1]
    assert sorted(each["mean_validation_loss"] for each in found) == [each["mean_validation_loss"] for each in found]
    for each in found:
        assert 0.0001 <= float(each["changes"][RATE]) <= 0.1
        assert each["changes"]["schedule.name"] in ("cosine", "constant", "trapezoid")
    names = {run.name for run in (sweep / "runs").iterdir()}
    assert set(begun) <= names  # what was interrupted is what is gone on with
    assert len(names) == 3

    # More combinations are added to those that are there; the numbers that Optuna draws are not those of its beginning.
    capsys.readouterr()
    assert main(words(recipe, sweep, 4)) == 0
    assert "combination 4 of 4: " in capsys.readouterr().out
    assert len({run.name for run in (sweep / "runs").iterdir()}) == 4
    assert all(RunDirectory(run).metrics()[-1]["update"] == 4 for run in (sweep / "runs").iterdir())


def test_a_combination_that_goes_wrong_is_told_to_optuna_and_named(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sweep", str(recipe), "--run", str(tmp_path / "sweep"), "--optimizer.name", "adamw", "--search", "1"]
    command += ["--loop.non-finite-updates-allowed", "1", "--loop.number-of-updates", "12"]
    command += ["--optimizer.weight-decay", "1", "--vary", RATE, "9.9e8", "1e9"]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert "1 of 1 runs went wrong: optimizer.peak-learning-rate=" in printed.err
    assert main(command) == 0  # it counts as tried
    assert "combination" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--search", "0"], "--search is 0; it must be 1 to 10,000 combinations."),
        (["--search", "2", "--part", "1/2"], "a search is one process: leave --part out"),
        (["--search", "2", "--vary", RATE, "0.1", "0.01"], "is a range; its first end must be the lower one"),
        (["--search", "2", "--vary", "optimizer.peek", "0.1", "0.2"], "has no flag --optimizer.peek"),
        (["--search", "2", "--vary", "optimizer.beta-1", "0.1", "2"], "--optimizer.beta-1 is 2"),
        (["--search", "2"], "nothing is varied"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_runs(
    more: list[str], said: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vary = ["--vary", "optimizer.beta-1", "0.8", "0.9"] if more[1] == "0" or "--part" in more else []
    assert main(["sweep", str(recipe), "--run", str(tmp_path / "sweep"), *vary, *more]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "sweep").exists()
