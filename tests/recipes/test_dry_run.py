"""A dry run exercises everything, leaves nothing, and finds what would have failed later."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from gpt25.data import PreparedData
from gpt25.errors import ConfigurationError, Interrupted, StorageError, TrainingError
from gpt25.model import Accounting, GPTConfiguration
from gpt25.recipes import dry_run, pretrain
from gpt25.recipes.planning.dry_run_size import Pace
from gpt25.recipes.recipe import recipe_text
from gpt25.records import RunDirectory
from gpt25.training import BatchConfiguration, DataConfiguration, LoopConfiguration, TrainingConfiguration

module = sys.modules["gpt25.recipes.dry_run"]  # the package's attribute of that name is the function


@pytest.fixture
def configuration(data: PreparedData) -> TrainingConfiguration:
    """A recipe of a million tokens an update, as far as it says."""
    return TrainingConfiguration(
        model=GPTConfiguration(
            block_size=32,
            vocabulary_size=320,
            number_of_layers=2,
            number_of_heads=2,
            number_of_embedding_dimensions=32,
            residual_dropout=0.1,
        ),
        data=DataConfiguration(directory=str(data.directory)),
        batch=BatchConfiguration(tokens_per_update=1 << 20, micro_batch_rows=2, short_sequences=((0.5, 16),)),
        loop=LoopConfiguration(number_of_updates=10_000, device="cpu", precision="float32", sample_prompt="def"),
    )


def test_it_goes_through_everything_and_leaves_nothing(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[list[str]] = []

    def watched(run: RunDirectory, reporter: Any) -> None:
        draw(run, reporter)
        drawn.append(sorted(path.name for path in run.path.iterdir() if not path.name.startswith(".")))

    draw = module.draw_run
    monkeypatch.setattr(module, "draw_run", watched)
    found = dry_run(configuration, tmp_path / "runs" / "run", reporter=reporter)
    assert found is not None
    assert (found.updates, found.tokens_per_update) == (4, 128)  # 2 micro-batches x 2 rows x 32
    assert found.resume_difference == 0.0
    assert len(found.training_losses) == 4
    assert found.validation_loss == pytest.approx(5.77, abs=0.1)  # ln 320
    assert found.whole_run_seconds == pytest.approx(10_000 * (1 << 20) / found.tokens_per_second)
    assert found.needed_bytes == 4 * found.checkpoint_bytes > 4 * 12 * 30_000
    assert drawn == [
        [
            "checkpoints",
            "environment.json",
            "loss.png",
            "metrics.jsonl",
            "report.html",
            "run.toml",
            "samples.jsonl",
            "summary.json",
        ]
    ]
    assert "going on after update 2 of 4" in reporter.said
    assert reporter.everything.count("--- a sample after update 4 ---") == 2
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_begun_stays_as_it_is(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    small = dataclasses.replace(
        configuration,
        batch=BatchConfiguration(tokens_per_update=64),
        schedule=dataclasses.replace(configuration.schedule, warm_up_updates=0),
        loop=dataclasses.replace(configuration.loop, number_of_updates=2),
    )
    run = pretrain(small, tmp_path / "run", reporter=reporter)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    dry_run(small, run.path, reporter=reporter)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before
    with pytest.raises(ConfigurationError, match="holds a run with another configuration"):
        dry_run(configuration, run.path, reporter=reporter)


def test_an_average_of_the_weights_is_saved_gone_on_with_and_counted(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    averaging = dataclasses.replace(
        configuration, loop=dataclasses.replace(configuration.loop, average_last_fraction=0.1)
    )
    plain = dry_run(configuration, tmp_path / "run", reporter=reporter)
    found = dry_run(averaging, tmp_path / "run", reporter=reporter)
    assert plain is not None
    assert found is not None
    assert (found.resume_difference, found.training_losses) == (0.0, plain.training_losses)
    parameters = Accounting(configuration.model).parameters
    assert found.checkpoint_bytes - plain.checkpoint_bytes == pytest.approx(4 * parameters, rel=0.05)
    assert sum("with the mean of those after the last 3 updates" in text for text in reporter.noted) == 2


def test_what_a_killed_dry_run_left_is_removed(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    (tmp_path / ".run.dry-run" / "checkpoints" / "update-000004").mkdir(parents=True)
    (tmp_path / ".run.dry-run" / "run.toml").write_text("[loop]\nseed = 5\n")
    assert dry_run(configuration, tmp_path / "run", reporter=reporter) is not None
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_the_checkpoints_is_found(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 0, 1000))
    with pytest.raises(StorageError) as caught:
        dry_run(configuration, tmp_path / "run", reporter=reporter)
    assert "2 newest, the best, and one being written), but only 0.00 GB are free in " in str(caught.value)
    assert "Free some, lower loop.checkpoints_to_keep, or choose another --run directory." in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_resume_that_is_another_run_is_found(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = module.train_run, []

    def forgetful(run: RunDirectory, setup: Any, **keywords: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            shutil.rmtree(run.checkpoints_path)
            loop = dataclasses.replace(setup.configuration.loop, seed=5)
            sharp = dataclasses.replace(setup.configuration.optimizer, peak_learning_rate=0.5)
            setup = dataclasses.replace(
                setup, configuration=dataclasses.replace(setup.configuration, loop=loop, optimizer=sharp)
            )
        real(run, setup, **keywords)

    monkeypatch.setattr(module, "train_run", forgetful)
    with pytest.raises(TrainingError, match="the updates after the resume are not those before: their losses differ"):
        dry_run(configuration, tmp_path / "run", reporter=reporter)


def test_a_loss_that_is_not_finite_is_found(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = RunDirectory.append_metrics
    monkeypatch.setattr(
        RunDirectory, "append_metrics", lambda run, row: append(run, {**row, "training_loss": float("nan")})
    )
    with pytest.raises(TrainingError, match="update 1 of the dry run had a loss or gradient that is not finite. Look"):
        dry_run(configuration, tmp_path / "run", reporter=reporter)


def test_a_signal_ends_it_and_leaves_nothing(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = RunDirectory.append_metrics

    def interrupting(run: RunDirectory, row: dict[str, Any]) -> None:
        append(run, row)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(RunDirectory, "append_metrics", interrupting)
    with pytest.raises(Interrupted, match="^the dry run was stopped; nothing is left of it$"):
        dry_run(configuration, tmp_path / "run", reporter=reporter)
    assert list(tmp_path.iterdir()) == []


def test_a_slow_processor_does_less_and_says_so(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "measured_pace", lambda *_, **__: Pace(row_seconds=14.0, step_seconds=5.0))
    found = dry_run(configuration, tmp_path / "run", reporter=reporter)
    assert found is not None
    assert (found.updates, found.tokens_per_update) == (4, 32)  # one row
    assert found.resume_difference == 0.0
    assert (
        "a row of 32 tokens takes 14 s here and an update's step 5 s: the dry run will take about 2 minutes"
        in reporter.said
    )
    assert found.shortened == [
        "rows in a micro-batch: 1 instead of 2",
        "micro-batches in an update: 1 instead of 2",
        "rows of validation: 1 instead of 16",
    ]
    left_out = next(
        text for text in reporter.said if text.startswith("so that it does not take 10 minutes, it has rows")
    )
    assert left_out.endswith("What the full micro-batch needs of memory is not tried")
    # Of a full update 32,768 rows, and one step.
    assert found.whole_run_seconds == pytest.approx(10_000 * (32_768 * 14 + 5))


SLOWED = """
import sys, time
import torch
from gpt25.cli.main import main
from gpt25.training.loop import gradient_update

real, calls = gradient_update.accumulate_gradients, []

def slowed(*arguments, **options):
    calls.append(1)
    if len(calls) <= 2:
        time.sleep(1)  # the row that is timed
    elif sys.argv[1] == "python":
        time.sleep(60)
    else:
        torch.linalg.svd(torch.randn(3500, 3500))  # one step for Python, half a minute long
    return real(*arguments, **options)

gradient_update.accumulate_gradients = slowed
torch.set_num_threads(1)
sys.exit(main(["train", sys.argv[2], "--run", sys.argv[3], "--dry-run"]))
"""


@pytest.mark.parametrize(
    ("number", "within", "code"), [(signal.SIGINT, "python", 130), (signal.SIGTERM, "one step", 143)]
)
def test_a_slow_one_says_how_long_and_stops_at_once(
    configuration: TrainingConfiguration, tmp_path: Path, number: int, within: str, code: int
) -> None:
    batch = dataclasses.replace(configuration.batch, micro_batch_rows=16)
    (tmp_path / "own.toml").write_text(recipe_text(dataclasses.replace(configuration, batch=batch)), encoding="utf-8")
    words = [sys.executable, "-c", SLOWED, within, str(tmp_path / "own.toml"), str(tmp_path / "runs" / "mine")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = ""
    while "is not tried" not in said:
        line = process.stdout.readline()
        assert line, process.communicate()
        said += line
    assert "the dry run will take about" in said
    time.sleep(2)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [".mine.dry-run"]
    start = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - start < 10
    assert process.returncode == code
    assert "the dry run was stopped; nothing is left of it" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "runs").exists()
