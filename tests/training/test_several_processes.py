"""Several ranks over gloo on the loopback, kill -9, and what the others make of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.recipes.recipe import recipe_text
from gpt25.records import RunDirectory
from gpt25.training import TrainingConfiguration
from gpt25.weights import load_pretrained

Entry = dict[str, Any]


@pytest.fixture(scope="module")
def directory(configuration: TrainingConfiguration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all scenarios ran, once for all tests."""
    directory = tmp_path_factory.mktemp("processes")
    recipe = directory / "recipe.toml"
    recipe.write_text(recipe_text(configuration))
    script = Path(__file__).with_name("several_processes.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(script), str(recipe), str(directory)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture(scope="module")
def ended(directory: Path) -> Callable[[str], list[Entry]]:
    """What became of each process of a scenario."""
    return lambda name: json.loads((directory / f"{name}.json").read_text())


def rows_of(directory: Path, name: str) -> list[Entry]:
    return RunDirectory(directory / name).metrics()


def losses(directory: Path, name: str) -> list[float]:
    return [row["training_loss"] for row in rows_of(directory, name)]


Ended = Callable[[str], list[Entry]]


def test_two_ranks_read_what_one_rank_reads_in_the_same_order(ended: Ended) -> None:
    (alone,) = ended("one")
    first, second = ended("two")
    assert alone["rows"].keys() == {str(update) for update in range(1, 9)}
    for update, rows in alone["rows"].items():
        assert first["rows"][update] + second["rows"][update] == rows
        assert len(first["rows"][update]) == len(second["rows"][update]) == 2


def test_two_ranks_learn_what_one_rank_learns(directory: Path, ended: Ended) -> None:
    assert [entry["error"] for entry in ended("one") + ended("two")] == [None] * 3
    assert losses(directory, "two") == pytest.approx(losses(directory, "one"), rel=1e-4)
    assert len(set(losses(directory, "one"))) == 8
    validated = [
        [row["validation_loss"] for row in rows_of(directory, name) if "validation_loss" in row]
        for name in ("one", "two")
    ]
    assert validated[1] == pytest.approx(validated[0], rel=1e-4)
    models = [load_pretrained(directory / name)[0].state_dict() for name in ("one", "two")]
    for name, value in models[0].items():
        torch.testing.assert_close(models[1][name], value, rtol=1e-2, atol=1e-3, msg=lambda text, n=name: f"{n} {text}")


def test_a_signal_to_one_rank_stops_all_after_the_same_update(ended: Ended) -> None:
    entries = ended("interrupted")
    assert [(entry["error"], entry["update"]) for entry in entries] == [("Interrupted", 4)] * 2
    assert all(entry["message"].startswith("stopped by Ctrl-C (SIGINT) after update 4; saved in ") for entry in entries)


def test_one_rank_goes_on_where_two_stopped_with_another_micro_batch(directory: Path, ended: Ended) -> None:
    (alone,), (resumed,) = ended("one"), ended("resumed")
    assert resumed["error"] is None
    assert resumed["rows"] == {update: rows for update, rows in alone["rows"].items() if int(update) > 4}
    assert losses(directory, "interrupted") == pytest.approx(losses(directory, "one"), rel=1e-4)
    assert [row["update"] for row in rows_of(directory, "interrupted")] == list(range(1, 9))


def test_updates_that_grow_are_the_same_for_any_number_of_ranks(directory: Path, ended: Ended) -> None:
    (alone,), stopped, (resumed,) = ended("growing"), ended("growing-stopped"), ended("growing-resumed")
    assert [len(rows) for rows in alone["rows"].values()] == [2, 2, 8, 8, 8, 8, 12, 12]
    for update in range(1, 9):
        shares = [entry["rows"].get(str(update), []) for entry in stopped]
        assert shares[0] + shares[1] == (alone["rows"][str(update)] if update <= 4 else [])
    assert resumed["rows"] == {update: rows for update, rows in alone["rows"].items() if int(update) > 4}
    assert losses(directory, "growing-stopped") == pytest.approx(losses(directory, "growing"), rel=1e-4)
    for name in ("last_weights", "average"):
        found = [rows_of(directory, run)[-1][f"validation_loss_of_{name}"] for run in ("growing", "growing-stopped")]
        assert found[0] == pytest.approx(found[1], rel=1e-4)
    counted = [[row["tokens"] for row in rows_of(directory, name)] for name in ("growing", "growing-stopped")]
    assert counted[0] == counted[1] == [64, 128, 384, 640, 896, 1152, 1536, 1920]
    assert {entry["error"] for entry in ended("growing-unshared")} == {"ConfigurationError"}


def test_nan_on_one_rank_is_skipped_by_all_in_the_same_update(directory: Path, ended: Ended) -> None:
    entries = ended("skipping")
    assert [(entry["error"], entry["update"]) for entry in entries] == [(None, 8)] * 2
    assert [message.partition(":")[0] for message in entries[0]["messages"]] == ["update 4", "update 5"]
    assert "all ranks skip this update (2 in a row, 5 allowed)" in entries[0]["messages"][1]
    found = losses(directory, "skipping")
    assert [update for update, loss in enumerate(found, start=1) if loss is None] == [4, 5]
    assert found[:3] == losses(directory, "two")[:3]
    assert found[5] != losses(directory, "two")[5]


def test_nan_that_stays_ends_all_ranks_and_leaves_the_last_good_checkpoint(directory: Path, ended: Ended) -> None:
    entries = ended("not-finite")
    assert [(entry["error"], entry["update"]) for entry in entries] == [("TrainingError", 6)] * 2
    assert all(entry["message"].startswith("update 7: loss nan, gradient norm nan; 3 updates") for entry in entries)
    record, problems = RunDirectory(directory / "not-finite").newest_intact_checkpoint()
    assert (record.update, problems) == (3, [])
    load_pretrained(directory / "not-finite")


def test_a_rank_that_dies_ends_the_others_at_once_with_their_number(directory: Path, ended: Ended) -> None:
    survivor, dead = ended("killed")
    assert dead is None
    assert survivor["error"] == "TrainingError"
    assert survivor["message"].startswith("rank 0 of 2 lost another rank: ")
    assert survivor["message"].endswith("the same command resumes from the last complete checkpoint.")
    assert survivor["update"] == 4
    record, problems = RunDirectory(directory / "killed").newest_intact_checkpoint()
    assert (record.update, problems) == (3, [])


def test_a_rank_that_hangs_ends_the_others_within_the_timeout(ended: Ended) -> None:
    survivor, hanging = ended("hanging")
    assert hanging is None
    assert survivor["error"] == "TrainingError"
    assert survivor["message"].startswith("rank 0 of 2 lost another rank: ")
    assert 2 <= survivor["seconds"] < 30


def test_ranks_stay_in_step_when_the_first_one_cannot_save(directory: Path, ended: Ended) -> None:
    entries = ended("full-disk")
    assert [(entry["error"], entry["update"]) for entry in entries] == [(None, 8)] * 2
    assert entries[0]["messages"][0].startswith("no checkpoint after update 8 (1 in a row failed, 3 may): cannot write")
    assert entries[1]["messages"] == []  # one rank speaks
    assert [record.update for record in RunDirectory(directory / "full-disk").checkpoints()] == [4, 8]


def test_kill_minus_9_at_any_moment_costs_no_more_than_an_update(directory: Path, ended: Ended) -> None:
    assert ended("kills") >= 3
    (finished,) = ended("kill")
    assert finished["error"] is None
    (left,) = [message for message in finished["messages"] if "update-000099" in message]
    assert left.startswith("removed ")
    assert left.endswith(", left over from a save or a removal that did not end")
    assert losses(directory, "kill") == losses(directory, "never-killed")
    assert [row["update"] for row in rows_of(directory, "kill")] == list(range(1, 25))
    assert not [path for path in (directory / "kill").rglob("*") if "gpt25-temporary" in path.name]
    models = [load_pretrained(directory / name)[0].state_dict() for name in ("kill", "never-killed")]
    assert all(torch.equal(models[0][name], value) for name, value in models[1].items())
