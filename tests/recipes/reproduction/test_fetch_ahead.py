"""Shards that arrive while a reproduction trains: it begins early, waits, learns the same, and can be stopped."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt25.recipes import ReproductionSettings
from gpt25.recipes.recipe import parse_recipe
from gpt25.recipes.reproduction.reproduction import _shards_per_group as shards_per_group
from gpt25.records import RunDirectory

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
sys.path.insert(0, str(Path(__file__).parent))
from hub_stand_in import Hub, hub
from public_data import PROGRAM, RECIPE, stand_in_of_the_hub

del sys.path[:2]

THREE_SHARDS = f"""
from gpt25.recipes.run import run_data
run_data.TOKENS_PER_PUBLIC_SHARD = 1500
{PROGRAM}"""
SECONDS = 120.0


@contextlib.contextmanager
def small_hub(folder: Path) -> Iterator[Hub]:
    """A Hub with three training shards, all of which the recipe reads: 16 updates of 256 tokens."""
    root, recipe = stand_in_of_the_hub(folder)
    recipe.write_text(RECIPE.replace("number_of_updates = 4", "number_of_updates = 16"))
    (folder / "program.py").write_text(THREE_SHARDS)
    with hub(root, folder / "home") as served:
        yield served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Hub]:
    with small_hub(tmp_path) as it:
        yield it


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The losses where every shard comes at once."""
    folder = tmp_path_factory.mktemp("whole")
    with small_hub(folder) as served:
        done = served.run(THREE_SHARDS, *words_for(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    return losses(folder)


def words_for(folder: Path) -> list[str]:
    words = ["reproduce", "--run", folder / "run", "--recipe", folder / "small.toml", "--device", "cpu"]
    return [str(word) for word in [*words, "--shards-per-group", 1, "--json"]]


@contextlib.contextmanager
def begun(served: Hub, folder: Path, *, ranks: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A reproduction in a process group of its own, which is gone when the block ends."""
    command = [sys.executable]
    if ranks > 1:
        command += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks), "--"]
    process = subprocess.Popen(
        [*command, str(folder / "program.py"), *words_for(folder)],
        env={**served.environment, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def rows_of(folder: Path) -> list[dict[str, Any]]:
    path = folder / "run" / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def losses(folder: Path) -> list[float]:
    return [row["training_loss"] for row in rows_of(folder)]


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()[1][-3000:]
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.05)


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    said, noted = process.communicate(timeout=SECONDS)
    return said, noted


BEFORE_THE_SECOND = 5  # updates of eight rows of the 46 that the first shard has


@pytest.mark.parametrize("ranks", [1, 2])
def test_training_begins_with_the_first_shard_and_waits_for_the_next(
    ranks: int, served: Hub, tmp_path: Path, whole: list[float]
) -> None:
    served.hold("fineweb_train_000002.bin")
    with begun(served, tmp_path, ranks=ranks) as process:
        wait_until(lambda: len(rows_of(tmp_path)) == BEFORE_THE_SECOND, process)
        assert not (tmp_path / "run" / "shards" / "index.json").exists()
        time.sleep(1)
        assert len(rows_of(tmp_path)) == BEFORE_THE_SECOND, "it trained on what is not there"
        served.let_go()
        said, noted = ended(process)
    assert process.returncode == 0, noted[-3000:]
    assert "training begins when the first 1 of 3 shards are here" in noted
    assert "waiting for fineweb_train_000002.bin; 1 of 3 training shards are here" in noted
    assert "3 of 3 training shards are here" in noted
    index = json.loads((tmp_path / "run" / "shards" / "index.json").read_text())
    assert [shard["file"][-5] for shard in index["train"]["shards"]] == ["1", "2", "3"]
    commands = json.loads(said[said.index("{") :])["commands"]
    assert "--shards-per-group 1" in commands[0]
    assert "data fetch fineweb10B" in commands[1]
    assert commands[1].endswith("--shards 3")
    assert "--data.shards-per-group 1" in commands[2]

    assert losses(tmp_path) == pytest.approx(whole, rel=0 if ranks == 1 else 1e-4)
    assert len(losses(tmp_path)) == 16


def test_killed_while_it_waits_it_goes_on_and_learns_the_same(served: Hub, tmp_path: Path, whole: list[float]) -> None:
    served.hold("fineweb_train_000002.bin")
    with begun(served, tmp_path) as process:
        wait_until(lambda: len(rows_of(tmp_path)) == BEFORE_THE_SECOND, process)
        process.kill()  # alone: what fetches for it ends by itself, and lets the directory go
        process.wait()
        served.let_go()
        done = served.run(THREE_SHARDS, *words_for(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    assert losses(tmp_path) == whole


def test_a_signal_while_it_waits_saves_what_was_trained(served: Hub, tmp_path: Path) -> None:
    served.hold("fineweb_train_000002.bin")
    with begun(served, tmp_path) as process:
        wait_until(lambda: len(rows_of(tmp_path)) == BEFORE_THE_SECOND, process)
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C reaches both processes
        _, noted = ended(process)
    assert process.returncode == 130, noted[-3000:]
    assert f"stopped by Ctrl-C (SIGINT) after update {BEFORE_THE_SECOND}; saved in" in noted
    assert "Traceback" not in noted


def test_a_shard_that_does_not_come_ends_the_run_where_it_is_needed(
    served: Hub, tmp_path: Path, whole: list[float]
) -> None:
    served.gone.add("fineweb_train_000003.bin")
    with begun(served, tmp_path) as process:
        _, noted = ended(process)
    assert process.returncode == 2, noted[-3000:]
    assert "fetching stopped: cannot get fineweb_train_000003.bin" in noted
    message = noted[noted.rindex("error: ") :]
    assert "the next update reads fineweb_train_000003.bin, which is not here, and fetching stopped" in message
    assert "and the same command goes on from here. To fetch alone: " in message
    assert "data fetch fineweb10B --output" in message
    assert "Traceback" not in noted
    assert len(rows_of(tmp_path)) == 11  # 92 rows in the first two shards
    served.gone.clear()
    done = served.run(THREE_SHARDS, *words_for(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "going on after update 11 of 16" in done.stderr
    assert losses(tmp_path) == whole


def test_without_the_validation_shard_nothing_begins(served: Hub, tmp_path: Path) -> None:
    served.gone.add("fineweb_val_000000.bin")
    done = served.run(THREE_SHARDS, *words_for(tmp_path))
    assert done.returncode == 2
    assert "cannot get fineweb_val_000000.bin of the data set kjj0/fineweb10B-gpt2 from the Hub" in done.stderr
    assert rows_of(tmp_path) == []


def test_an_order_that_a_run_or_a_recipe_has_is_kept(tmp_path: Path) -> None:
    run, recipe = RunDirectory(tmp_path / "run"), parse_recipe(RECIPE, source="test")

    def chosen(settings: ReproductionSettings, **recorded: int) -> int | None:
        data = dataclasses.replace(recipe.data, **recorded)
        return shards_per_group(run, settings, dataclasses.replace(recipe, data=data))

    usual, asked = ReproductionSettings(), ReproductionSettings(shards_per_group=None)
    assert chosen(usual) == 5
    assert chosen(usual, shards_per_group=2) == 2
    assert chosen(asked, shards_per_group=2) is None
    run.path.mkdir()
    run.recipe_path.write_text(RECIPE)  # of a run that began when there were no groups
    assert chosen(usual) is None
    assert chosen(ReproductionSettings(shards_per_group=3)) == 3, "which is refused as another configuration"
