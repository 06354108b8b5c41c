"""Weights & Biases and MLflow by their own packages, without a network; and a tracker that fails or hangs."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt25.errors import MissingExtraError
from gpt25.recipes.hooks import trackers
from gpt25.recipes.hooks.background_tracker import BackgroundTracker
from gpt25.recipes.hooks.tracked_runs import TrackedRuns
from gpt25.recipes.hooks.trackers import open_trackers
from gpt25.records import RunDirectory
from gpt25.storage import write_text
from gpt25.training import TrackConfiguration

ROWS = [
    {"update": update, "tokens": 128 * update, "training_loss": 5.0 / update, "learning_rate": 0.01}
    for update in (1, 2, 3)
]
# SQLAlchemy's and pydantic's opinions of what MLflow and wandb do are theirs.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    for name in ("WANDB_PROJECT", "WANDB_DIR", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "configuration"))
    made = RunDirectory(tmp_path / "mine")
    made.path.mkdir()
    write_text(made.recipe_path, "[optimizer]\nname = 'muon'\nmuon_peak_learning_rate = 0.02\n")
    return made


def track(run: RunDirectory, rows: list[dict[str, Any]], **asked: bool) -> None:
    notes: list[str] = []
    opened = open_trackers(TrackConfiguration(**asked), run, updates_done=0, note=notes.append)
    for row in rows:
        for each in opened:
            each.write(row)
    for each in opened:
        each.close()
    assert notes == []


def test_mlflow_goes_on_with_its_run_after_a_resume(run: RunDirectory) -> None:
    from mlflow.tracking import MlflowClient

    track(run, ROWS[:2], mlflow=True)
    identity = TrackedRuns(run).identity_of("mlflow")
    track(run, ROWS[2:], mlflow=True)
    client = MlflowClient(f"sqlite:///{run.mlflow_path}")
    (experiment,) = (each for each in client.search_experiments() if each.name == "gpt25")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.run_id == identity
    assert (found.info.run_name, found.info.status) == ("mine", "FINISHED")
    assert found.data.params == {"optimizer.name": "muon", "optimizer.muon_peak_learning_rate": "0.02"}
    history = client.get_metric_history(identity, "loss/training")
    assert [(each.step, each.value) for each in history] == [(row["update"], row["training_loss"]) for row in ROWS]


def test_wandb_goes_on_with_its_run_after_a_resume(run: RunDirectory) -> None:
    track(run, ROWS[:2], wandb=True)
    identity = TrackedRuns(run).identity_of("wandb")
    assert identity is not None
    track(run, ROWS[2:], wandb=True)
    first, second = sorted(run.wandb_path.glob("offline-run-*/*.wandb"))
    assert first.name == second.name == f"run-{identity}.wandb"  # two stretches of one run, for `wandb sync`
    assert b"loss/training" in first.read_bytes()  # its records are not compressed
    assert b"loss/training" in second.read_bytes()
    assert b"muon_peak_learning_rate" in first.read_bytes()


class Failing:
    def __init__(self, fails_at: str) -> None:
        self._fails_at = fails_at
        if fails_at == "begin":
            raise ConnectionError("no\nroute to host")

    def write(self, row: dict[str, Any]) -> None:
        if self._fails_at == "write":
            raise ConnectionError("no\nroute to host")

    def close(self) -> None:
        if self._fails_at == "close":
            raise ConnectionError("no\nroute to host")


@pytest.mark.parametrize("fails_at", ["begin", "write", "close"])
def test_a_failing_tracker_is_told_of_once(fails_at: str) -> None:
    notes: list[str] = []
    tracker = BackgroundTracker("wandb", lambda: Failing(fails_at), notes.append)
    for row in ROWS:
        tracker.write(row)
    tracker.close()
    assert notes == [
        "wandb gets no more of this run: no route to host; training goes on, and metrics.jsonl has everything"
    ]


def test_a_tracker_that_hangs_is_not_waited_for_for_ever() -> None:
    released = threading.Event()

    class Hanging(Failing):
        def write(self, row: dict[str, Any]) -> None:
            released.wait()

    notes: list[str] = []
    tracker = BackgroundTracker("mlflow", lambda: Hanging("never"), notes.append, longest_end_seconds=0.05)
    begin = time.monotonic()
    for row in ROWS:
        tracker.write(row)
    tracker.close()
    released.set()
    assert time.monotonic() - begin < 30
    assert len(notes) == 1
    assert re.match(r"mlflow took more than 0.05 s for what was left, and is not waited for", notes[0])


@pytest.mark.parametrize(("name", "extra"), [("tensorboard", "track"), ("wandb", "wandb"), ("mlflow", "mlflow")])
def test_a_missing_package_is_said_before_training(
    name: str, extra: str, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: Callable[[str], object] = lambda package: None if package == name else object()  # noqa: E731
    monkeypatch.setattr(trackers, "find_spec", there)
    with pytest.raises(MissingExtraError, match=rf"track\.{name} needs the package {name}; .*\[{extra}\]'"):
        open_trackers(TrackConfiguration(**{name: True}), run, updates_done=0, note=print)


def test_a_spoilt_list_of_ids_begins_anew(run: RunDirectory) -> None:
    write_text(run.trackers_path, "{not JSON")
    known = TrackedRuns(run)
    assert known.identity_of("wandb") is None
    known.keep("wandb", "abc")
    known.keep("mlflow", "def")
    assert (known.identity_of("wandb"), known.identity_of("mlflow")) == ("abc", "def")
