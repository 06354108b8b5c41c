"""A run that becomes longer: from where it goes on, at which rates, what is said, kept and recorded."""

import contextlib
import dataclasses
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from gpt25.data import PreparedData
from gpt25.errors import ConfigurationError, Interrupted
from gpt25.model import GPTConfiguration
from gpt25.plots import write_report
from gpt25.recipes import load_recipe, pretrain
from gpt25.recipes.run import extension
from gpt25.records import RunDirectory
from gpt25.training import (
    BatchConfiguration,
    DataConfiguration,
    LoopConfiguration,
    OptimizerConfiguration,
    ScheduleConfiguration,
    TrainingConfiguration,
)

Make = Callable[..., TrainingConfiguration]


@pytest.fixture(scope="module")
def make(data: PreparedData) -> Make:
    """A configuration with other fields of its sections: make(20, schedule={"name": "cosine"})."""
    shape = GPTConfiguration(
        block_size=16,
        vocabulary_size=320,
        number_of_layers=1,
        number_of_heads=2,
        number_of_embedding_dimensions=16,
    )
    base = TrainingConfiguration(
        model=shape,
        data=DataConfiguration(directory=str(data.directory), validation_tokens=64),
        batch=BatchConfiguration(tokens_per_update=64),
        optimizer=OptimizerConfiguration(name="muon", muon_momentum_warm_up_fraction=0.0),
        schedule=ScheduleConfiguration(name="trapezoid", warm_up_updates=2, decay_fraction=0.6, final_fraction=0.1),
        loop=LoopConfiguration(
            number_of_updates=20,
            validation_interval_in_updates=10,
            samples_interval_in_updates=1000,
            checkpoint_interval_in_updates=6,
            checkpoints_to_keep=1,
            device="cpu",
            precision="float32",
        ),
    )

    def change(number_of_updates: int = 20, **sections: dict[str, Any]) -> TrainingConfiguration:
        sections["loop"] = {"number_of_updates": number_of_updates, **sections.get("loop", {})}
        replaced = {name: dataclasses.replace(getattr(base, name), **fields) for name, fields in sections.items()}
        return dataclasses.replace(base, **replaced)

    return change


COSINE = {"name": "cosine", "decay_fraction": 0.3}


def updates_of(run: RunDirectory) -> list[int]:
    return [record.update for record in run.checkpoints()]


def losses(run: RunDirectory) -> list[tuple[int, float, float]]:
    return [(row["update"], row["training_loss"], row["learning_rate"]) for row in run.metrics()]


def weights(run: RunDirectory) -> dict[str, Any]:
    tensors = load_file(run.checkpoints()[-1].path / "model.safetensors")
    return {name: tensor.tolist() for name, tensor in tensors.items()}


def extended(run: RunDirectory) -> tuple[tuple[int, int], ...]:
    return load_recipe(run.recipe_path).history.extensions


@pytest.fixture(scope="module")
def finished(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trapezoid of 20 updates, done."""
    path = tmp_path_factory.mktemp("finished") / "run"
    pretrain(make(20), path, reporter=_Silent())
    return path


class _Silent:
    """A reporter whom nobody hears; it may ask the process to stop after so many updates."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self._left = stop_after

    def say(self, text: str = "") -> None: ...

    def note(self, text: str) -> None: ...

    def progress(self, *_: Any, **__: Any) -> Any:
        return contextlib.nullcontext(self)

    def advance(self, *_: Any, **__: Any) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGTERM)


def _stopped(configuration: TrainingConfiguration, path: Path, *, after: int) -> int:
    """Stop a run after some updates, by a signal; returns the updates after which it was saved."""
    with pytest.raises(Interrupted):
        pretrain(configuration, path, reporter=_Silent(stop_after=after))
    return updates_of(RunDirectory(path))[-1]


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> RunDirectory:
    """A copy of it."""
    shutil.copytree(finished, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


def test_the_checkpoint_before_the_fall_stays_though_neither_newest_nor_best(run: RunDirectory) -> None:
    assert updates_of(run) == [9, 20]


def test_it_does_not_stay_where_nobody_wants_it(make: Make, tmp_path: Path, reporter: Any) -> None:
    done = pretrain(make(20, loop={"keep_plateau_checkpoint": False}), tmp_path / "run", reporter=reporter)
    assert updates_of(done) == [20]


def test_a_trapezoid_goes_on_from_before_its_fall_and_becomes_what_a_longer_run_would_have_been(
    make: Make, run: RunDirectory, tmp_path: Path, reporter: Any
) -> None:
    before, kept = losses(run), weights(run)
    pretrain(make(30), run.path, reporter=reporter)
    at_once = pretrain(make(30), tmp_path / "at once", reporter=_Silent())
    assert losses(run) == losses(at_once)
    assert weights(run) == weights(at_once)
    assert updates_of(run) == updates_of(at_once) == [13, 30]
    assert extended(run) == ((9, 20),)
    ended = RunDirectory(run.path / "ended-000020")
    assert reporter.said[0] == (
        f"{run.path} goes on after update 9 to 30 updates instead of 20: there its learning rates were still at their "
        f"peak, and what it did while they fell is done anew, later. The run as it was after update 20 is kept in "
        f"{ended.path}."
    )
    # What it ended as is a run that every command takes.
    assert RunDirectory.is_run(ended.path)
    assert (losses(ended), weights(ended), updates_of(ended)) == (before, kept, [20])
    assert load_recipe(ended.recipe_path).loop.number_of_updates == 20
    ended_summary, summary = ended.read_summary(), run.read_summary()
    assert ended_summary is not None
    assert summary is not None
    assert ended_summary.tokens == 20 * 64
    assert (summary.finished, summary.tokens) == (True, 30 * 64)


def test_scores_of_what_was_taken_back_go_with_it(make: Make, run: RunDirectory, reporter: Any) -> None:
    for update, limit in ((9, None), (20, None), (20, 5)):
        content = {"task": "hellaswag", "update": update, "limit": limit, "metrics": {"accuracy_norm": 0.25}}
        run.write_evaluation(content)
    pretrain(make(30), run.path, reporter=reporter)
    assert [path.name for path in run.evaluations_path.iterdir()] == ["hellaswag-update-000009.json"]
    ended = RunDirectory(run.path / "ended-000020").evaluations_path
    assert sorted(path.name for path in ended.iterdir()) == [
        "hellaswag-update-000020-first-5.json",
        "hellaswag-update-000020.json",
    ]


def test_a_trapezoid_without_that_checkpoint_rises_again(make: Make, run: RunDirectory, reporter: Any) -> None:
    shutil.rmtree(run.checkpoint_path(9))
    before = losses(run)
    pretrain(make(40), run.path, reporter=reporter)
    after = losses(run)
    assert after[:20] == before
    rates = [rate for _, _, rate in after]
    assert rates[19] < rates[20] < rates[21] == max(rates)
    assert rates[-1] == rates[19]
    assert extended(run) == ((20, 20),)
    assert (
        "its learning rates had fallen to 18% of their peak; they rise to it again by update 22, with"
        in (reporter.said[0])
    )
    assert not (run.path / "ended-000020").exists()


def test_a_damaged_one_is_none(make: Make, run: RunDirectory, reporter: Any) -> None:
    (run.checkpoint_path(9) / "model.safetensors").write_bytes(b"damaged")
    pretrain(make(40), run.path, reporter=reporter)
    assert extended(run) == ((20, 20),)


def test_a_finished_cosine_rises_again_and_its_summary_is_unfinished_until_the_new_end(
    make: Make, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pretrain(make(10, schedule=COSINE), tmp_path / "run", reporter=reporter)
    first = losses(run)
    found: list[bool | None] = []
    real = RunDirectory.append_metrics

    def append(self: RunDirectory, row: dict[str, Any]) -> None:
        summary = self.read_summary()
        found.append(summary and summary.finished)
        real(self, row)

    monkeypatch.setattr(RunDirectory, "append_metrics", append)
    pretrain(make(15, schedule=COSINE), run.path, reporter=reporter)
    assert losses(run)[:10] == first
    assert [update for update, _, _ in losses(run)] == list(range(1, 16))
    assert losses(run)[10][2] == pytest.approx(6e-4)
    assert found == [False] * 5
    assert "they rise to it again by update 11" in reporter.everything


def test_a_run_that_has_not_begun_to_fall_falls_later(make: Make, tmp_path: Path, reporter: Any) -> None:
    done = _stopped(make(20), tmp_path / "run", after=6)  # the signal may be seen one update later
    run = pretrain(make(30), tmp_path / "run", reporter=reporter)
    at_once = pretrain(make(30), tmp_path / "at once", reporter=_Silent())
    assert losses(run) == losses(at_once)
    assert extended(run) == ((done, 20),)
    assert f"goes on after update {done} to 30 updates instead of 20: its learning rates have not begun to fall" in (
        reporter.everything
    )


def test_an_extended_run_resumes_and_is_extended_again(make: Make, tmp_path: Path, reporter: Any) -> None:
    short = {"batch": {"short_sequences": ((0.5, 8),), "smaller_updates": ((0.25, 32),)}, "schedule": COSINE}
    path = tmp_path / "run"
    pretrain(make(8, **short), path, reporter=reporter)
    assert 8 < _stopped(make(12, **short), path, after=2) < 12
    run = pretrain(make(12, **short), path, reporter=reporter)
    pretrain(make(16, **short), path, reporter=reporter)
    assert extended(run) == ((8, 8), (12, 12))
    # A quarter of the first 8 updates was small; none of the later ones is.
    tokens = [row["tokens"] for row in run.metrics()]
    assert tokens == [32, 64, *range(128, 128 + 14 * 64, 64)]
    longest = load_recipe(run.recipe_path)
    assert [longest.sequence_length(update) for update in (3, 4, 8, 15)] == [8, 16, 16, 16]
    whole = tmp_path / "whole"
    for number in (8, 12, 16):
        pretrain(make(number, **short), whole, reporter=_Silent())
    assert losses(RunDirectory(whole)) == losses(run)


def test_muon_s_momentum_does_not_begin_anew(make: Make) -> None:
    longer = dataclasses.replace(make(1000), history=dataclasses.replace(make().history, extensions=((20, 20),)))
    assert longer.updates_at_first == 20
    assert make(1000).updates_at_first == 1000


def test_an_average_is_of_the_new_end(make: Make, tmp_path: Path, reporter: Any) -> None:
    averaged = {"average_last_fraction": 0.5}
    run = pretrain(make(10, schedule=COSINE, loop=averaged), tmp_path / "run", reporter=reporter)
    pretrain(make(15, schedule=COSINE, loop=averaged), run.path, reporter=reporter)
    assert "of those after the last 5 updates" in reporter.noted[-1]  # half of 15 are 7, but 2 are of the first run
    assert "validation_loss_of_average" in run.metrics()[-1]


def test_with_more_epochs_it_becomes_longer_and_keeps_its_warm_up(make: Make, tmp_path: Path, reporter: Any) -> None:
    schedule = {"name": "cosine", "warm_up_updates": 500, "decay_fraction": 0.3}
    one, two = ({"number_of_epochs": epochs} for epochs in (0.1, 0.15))
    run = pretrain(make(1000, schedule=schedule, loop=one), tmp_path / "run", reporter=reporter)
    begun = load_recipe(run.recipe_path)
    pretrain(make(1000, schedule=schedule, loop=two), run.path, reporter=reporter)
    found = load_recipe(run.recipe_path)
    assert found.loop.number_of_updates > begun.loop.number_of_updates
    assert found.schedule == begun.schedule
    pretrain(make(1000, schedule=schedule, loop=two), run.path, reporter=reporter)  # and the same command goes on


def test_what_stops_before_the_first_checkpoint_has_no_history(make: Make, tmp_path: Path, reporter: Any) -> None:
    run = pretrain(make(20), tmp_path / "run", reporter=_Silent())
    shutil.rmtree(run.checkpoints_path)
    pretrain(make(30), run.path, reporter=reporter)
    assert extended(run) == ()
    assert len(run.metrics()) == 30


def test_a_run_becomes_no_shorter_and_nothing_else_may_change_with_its_length(
    make: Make, run: RunDirectory, reporter: Any
) -> None:
    with pytest.raises(ConfigurationError, match=r"loop.number_of_updates: 10 now, 20 then"):
        pretrain(make(10), run.path, reporter=reporter)
    with pytest.raises(ConfigurationError, match=r"configuration \(schedule.decay_fraction: 0.2 now, 0.6 then\)"):
        pretrain(make(30, schedule={"decay_fraction": 0.2}), run.path, reporter=reporter)
    assert extended(run) == ()
    assert updates_of(run) == [9, 20]
    assert not (run.path / "ended-000020").exists()


def test_a_process_that_dies_while_it_puts_aside_leaves_a_run_that_goes_on(
    make: Make, run: RunDirectory, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    for name in ("_move", "_in_words"):
        with monkeypatch.context() as patched:
            patched.setattr(extension, name, dies)
            with pytest.raises(KeyboardInterrupt):
                pretrain(make(30), run.path, reporter=reporter)
    pretrain(make(30), run.path, reporter=reporter)
    assert len(run.metrics()) == 30
    assert updates_of(RunDirectory(run.path / "ended-000020")) == [20]


def test_the_report_tells_the_history(make: Make, run: RunDirectory, tmp_path: Path, reporter: Any) -> None:
    pretrain(make(30), run.path, reporter=reporter)
    write_report(run, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "It was to have 20 updates; after update 9 it went on to 30." in page
    assert "after update 9, to 30 updates instead of 20" in page


def test_a_recipe_s_own_history_is_none_of_a_new_run_s(make: Make, tmp_path: Path, reporter: Any) -> None:
    recipe = dataclasses.replace(make(4), history=dataclasses.replace(make().history, extensions=((1, 2),)))
    run = pretrain(recipe, tmp_path / "run", reporter=reporter)
    assert extended(run) == ()
