"""`gpt25 sweep`: real runs of tenths of a second, killed and gone on with, alone and as an array."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.cli.main import main
from gpt25.recipes import load_recipe
from gpt25.recipes.sweep import shared_texts
from gpt25.records import RunDirectory
from gpt25.storage import exclusive_lock

RATE = "optimizer.muon-peak-learning-rate"


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def words(recipe: Path, sweep: Path, *more: str) -> list[str]:
    vary = ["--vary", RATE, "0.01", "0.02", "--seeds", "2"]
    return ["sweep", str(recipe), "--run", str(sweep), "--optimizer.name", "muon", *vary, *more]


def read(sweep: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((sweep / "sweep.json").read_text(encoding="utf-8"))
    return content


def test_a_grid_is_run_and_compared(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = tmp_path / "sweep"
    assert main(words(recipe, sweep, "--json")) == 0
    said = capsys.readouterr()
    content = json.loads(said.out)
    assert content["failed"] == {}
    runs = sorted((sweep / "runs").iterdir())
    assert [run.name for run in runs] == [
        f"{RATE}={rate},seed={seed}" for rate in (0.01, 0.02) for seed in (1337, 1338)
    ]
    losses: dict[float, list[float]] = {}
    for run in map(RunDirectory, runs):
        configuration = load_recipe(run.recipe_path)
        losses.setdefault(configuration.optimizer.muon_peak_learning_rate, []).append(
            run.metrics()[-1]["validation_loss"]
        )
    for each in content["combinations"]:
        own = losses[float(each["changes"][RATE])]
        assert each["mean_validation_loss"] == pytest.approx(statistics.fmean(own))
        assert each["standard_error"] == pytest.approx(statistics.stdev(own) / 2**0.5)
    means = [each["mean_validation_loss"] for each in content["combinations"]]
    assert means == sorted(means)
    assert read(sweep)["combinations"] == content["combinations"]
    page = (sweep / "report.html").read_text(encoding="utf-8")
    assert all(run.name in page for run in runs)
    assert "run 1 of 4: optimizer.muon-peak-learning-rate 0.01, seed 1337" in said.err
    assert "The first is ahead of the second by" in said.err

    # Done again, nothing is trained; with a third seed only that.
    before = {run: (run / "metrics.jsonl").stat().st_mtime_ns for run in runs}
    assert main([*words(recipe, sweep)[:-1], "3"]) == 0
    printed = capsys.readouterr().out
    assert "run 3 of 6: optimizer.muon-peak-learning-rate 0.01, seed 1339" in printed
    assert printed.count(" of 6: ") == 2
    assert {run: (run / "metrics.jsonl").stat().st_mtime_ns for run in runs} == before
    assert [each["runs_finished"] for each in read(sweep)["combinations"]] == [3, 3]


def test_a_run_is_the_one_that_train_makes(recipe: Path, tmp_path: Path) -> None:
    sweep, alone = tmp_path / "sweep", tmp_path / "alone"
    assert main(["sweep", str(recipe), "--run", str(sweep), "--vary", "batch.short-sequences", "0.5 16"]) == 0
    assert main(["train", str(recipe), "--run", str(alone), "--batch.short-sequences", "0.5", "16"]) == 0
    (run,) = (sweep / "runs").iterdir()
    figures = [[row["training_loss"] for row in RunDirectory(each).metrics()] for each in (run, alone)]
    assert figures[0] == figures[1]
    assert load_recipe(run / "run.toml") == load_recipe(alone / "run.toml")


def test_parts_share_the_runs(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = tmp_path / "sweep"
    assert main(words(recipe, sweep, "--part", "1/2")) == 0
    assert sorted(each["runs_finished"] for each in read(sweep)["combinations"]) == [1, 1]
    assert main(words(recipe, sweep, "--part", "2/2")) == 0
    assert [each["runs_finished"] for each in read(sweep)["combinations"]] == [2, 2]
    capsys.readouterr()
    assert main(words(recipe, sweep, "--part", "3/2")) == 2
    assert "there is no part 3 of 2" in capsys.readouterr().err


def test_a_killed_sweep_goes_on_where_it_was(recipe: Path, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    slow = ["--loop.number-of-updates", "40", "--loop.checkpoint-interval-in-updates", "5"]
    command = [sys.executable, "-m", "gpt25", *words(recipe, sweep, *slow)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    second = RunDirectory(sweep / "runs" / f"{RATE}=0.01,seed=1338")
    deadline = time.monotonic() + 90
    while not second.checkpoints():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = RunDirectory(sweep / "runs" / f"{RATE}=0.01,seed=1337")
    kept = first.metrics_path.read_bytes()
    assert main(words(recipe, sweep, *slow)) == 0
    assert first.metrics_path.read_bytes() == kept  # a finished run is not touched
    assert [each["runs_finished"] for each in read(sweep)["combinations"]] == [2, 2]
    whole = tmp_path / "whole"
    assert main(["train", str(recipe), "--run", str(whole), "--optimizer.name", "muon", f"--{RATE}", "0.01",
                 "--loop.seed", "1338", *slow]) == 0  # fmt: skip
    fields = ("update", "training_loss", "validation_loss")
    rows = [[[row.get(name) for name in fields] for row in each.metrics()] for each in (second, RunDirectory(whole))]
    assert rows[0] == rows[1]  # bit for bit what an uninterrupted run has


@pytest.mark.parametrize(
    ("vary", "said"),
    [
        (["optimizer.muon-peek-learning-rate", "0.1"], "has no flag --optimizer.muon-peek-learning-rate; did you mean"),
        (["optimizer.muon-peak-learning-rate", "0.01", "fast"], "'fast' is not a number"),
        (["model.number-of-heads", "2", "3"], "--model.number-of-heads 3 does not divide"),
        (["schedule.name", "cosine", "cosin"], "cosin"),
    ],
)
def test_a_wrong_key_or_value_is_refused_before_anything_runs(
    vary: list[str], said: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", str(recipe), "--run", str(tmp_path / "sweep"), "--vary", *vary]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: --vary ")
    assert said in printed.err
    assert not (tmp_path / "sweep").exists()


def test_a_run_that_was_begun_otherwise_is_refused(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sweep", str(recipe), "--run", str(tmp_path / "sweep"), "--vary", "optimizer.beta-1", "0.9"]
    assert main(command) == 0
    capsys.readouterr()
    assert main([*command, "--optimizer.beta-2", "0.5"]) == 2
    assert "optimizer.beta_2" in capsys.readouterr().err


def test_a_run_that_goes_wrong_does_not_cost_the_others(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sweep", str(recipe), "--run", str(tmp_path / "sweep"), "--optimizer.name", "adamw"]
    command += ["--loop.non-finite-updates-allowed", "1", "--loop.number-of-updates", "12"]
    command += ["--optimizer.weight-decay", "1", "--vary", "optimizer.peak-learning-rate", "1e9", "0.001"]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert "1 of 2 runs went wrong: optimizer.peak-learning-rate=1e9; see above." in printed.err
    (good,) = (each for each in read(tmp_path / "sweep")["combinations"] if each["runs_finished"])
    assert good["changes"] == {"optimizer.peak-learning-rate": "0.001"}


def test_a_length_that_is_varied_has_the_rest_in_proportion(recipe: Path, tmp_path: Path) -> None:
    command = ["sweep", str(recipe), "--run", str(tmp_path / "sweep"), "--vary", "loop.number-of-updates", "2", "4"]
    assert main(command) == 0
    runs = {run.name: load_recipe(run / "run.toml") for run in (tmp_path / "sweep" / "runs").iterdir()}
    assert {name: each.schedule.warm_up_updates for name, each in runs.items()} == {
        "loop.number-of-updates=2": 1,
        "loop.number-of-updates=4": 2,
    }


def test_texts_are_encoded_once_and_lent_to_every_run_that_reads_them_alike(
    recipe_content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, own = tmp_path / "notes.txt", tmp_path / "own.toml"
    text.write_text("".join(f"Line {number} of a note, and {number * 7} more words.\n" for number in range(400)))
    own.write_text(recipe_content)
    sweep = tmp_path / "sweep"
    command = ["sweep", str(own), "--run", str(sweep), "--data.texts", str(text), "--seeds", "2"]
    command += ["--vary", "data.validation-fraction", "0.1", "0.2"]
    assert main(command) == 0
    said = capsys.readouterr()
    runs = {path.name: RunDirectory(path) for path in sorted((sweep / "runs").iterdir())}
    assert len(runs) == 4
    assert said.out.count("learning a vocabulary") == 2, "one for each fraction"
    for fraction in ("0.1", "0.2"):
        first, second = (runs[f"data.validation-fraction={fraction},seed={seed}"] for seed in (1337, 1338))
        assert f"texts and vocabulary are those of {first.path.name}\n" in said.err
        for path in first.data_path.glob("*.bin"):
            assert path.samefile(second.data_path / path.name)
        assert (second.tokenizer_path / "tokenizer.json").samefile(first.tokenizer_path / "tokenizer.json")
    # What another text has become is not lent.
    text.write_text(text.read_text() * 2)
    assert main([*command[:-5], "3", *command[-4:]]) == 0
    third = RunDirectory(sweep / "runs" / "data.validation-fraction=0.1,seed=1339")
    assert "learning a vocabulary" in capsys.readouterr().out
    index = [json.loads((run.data_path / "index.json").read_text()) for run in (first, third)]
    assert index[1]["train"]["tokens"] > 1.5 * index[0]["train"]["tokens"]


def test_parts_side_by_side_wait_for_the_one_that_encodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    held = contextlib.ExitStack()

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        held.close()

    monkeypatch.setattr(shared_texts.time, "sleep", sleep)
    held.enter_context(exclusive_lock(tmp_path / ".texts.lock", of="it", advice=""))
    with shared_texts._one_at_a_time(tmp_path):
        assert waited == [1.0]
