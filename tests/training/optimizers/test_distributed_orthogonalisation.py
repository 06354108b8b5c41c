"""Distributed over gloo ranks, Muon moves what one rank alone moves, bit for bit, and resumes with another number."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpt25.recipes.recipe import recipe_text
from gpt25.records import RunDirectory
from gpt25.training import TrainingConfiguration


@pytest.fixture(scope="module")
def directory(configuration: TrainingConfiguration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all scenarios ran, once for all tests."""
    directory = tmp_path_factory.mktemp("distributed-muon")
    recipe = directory / "recipe.toml"
    optimizer = dataclasses.replace(configuration.optimizer, muon_beta_2=0.9)
    recipe.write_text(recipe_text(dataclasses.replace(configuration, optimizer=optimizer)))
    script = Path(__file__).parents[1] / "distributed_muon.py"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", str(script), str(recipe), str(directory)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return directory


def ended(directory: Path, name: str) -> list[dict[str, Any]]:
    return json.loads((directory / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("name", "number"), [("muon", 2), ("muon", 4), ("normuon", 2), ("normuon", 4), ("normuon", 9), ("soap", 2)]
)
def test_so_many_ranks_have_the_bits_of_one(directory: Path, name: str, number: int) -> None:
    """Weights and all state after six steps, one of them skipped; nine ranks make groups of three."""
    (alone,) = ended(directory, f"{name}-1")
    ranks = ended(directory, f"{name}-{number}")
    assert len(ranks) == number
    assert {entry["digest"] for entry in ranks} == {alone["digest"]}
    if name != "muon":
        assert ended(directory, "muon-1")[0]["digest"] != alone["digest"]


def test_four_ranks_go_on_exactly_where_two_stood(directory: Path) -> None:
    (alone,) = ended(directory, "normuon-1")
    assert {entry["digest"] for entry in ended(directory, "normuon-on")} == {alone["digest"]}


def test_what_is_exchanged_in_bfloat16_is_the_same_on_all_ranks(directory: Path) -> None:
    (alone,) = ended(directory, "muon-1")
    digests = set()
    for number in (2, 4):
        ranks = ended(directory, f"bfloat16-{number}")
        digests |= {entry["digest"] for entry in ranks}
        assert ranks[0]["weights"] == pytest.approx(alone["weights"], rel=1e-3)
    assert len(digests) == 1
    assert digests != {alone["digest"]}


def test_traffic_is_what_the_rounds_say(directory: Path) -> None:
    """Three layers of 24 channels: 6 oblong and 12 square matrices, of 4 bytes an element, in six steps."""
    assert ended(directory, "muon-1")[0]["bytes"] == 0
    total = 6 * 4 * (6 * 24 * 96 + 12 * 24 * 24)
    assert [entry["bytes"] for entry in ended(directory, "muon-2")] == [total] * 2
    # Of four ranks two have two oblong matrices and the others one, so that a slot of theirs is empty.
    assert [entry["bytes"] for entry in ended(directory, "muon-4")] == [6 * 4 * (8 * 24 * 96 + 16 * 24 * 24)] * 4
    assert [entry["bytes"] for entry in ended(directory, "bfloat16-2")] == [total // 2] * 2


def test_the_large_matrices_are_gathered_while_the_others_are_computed(directory: Path) -> None:
    large, square = "(24, 96)", "(24, 24)"
    step = [f"compute {large}", f"send {large}", f"compute {square}", f"send {square}", f"wait {large}"]
    # Square ones are in two of Muon's groups: query, key and value, and the attention's projection.
    step += [f"wait {square}"] * 2
    for entry in ended(directory, "muon-2"):
        assert entry["events"] == step * 6


def test_a_distributed_run_is_the_run_that_is_not(directory: Path) -> None:
    """Begun by two ranks, ended by four: records and the last checkpoint, the optimizer's state too."""
    for name, error in (("distributed", "Interrupted"), ("distributed-on", None), ("alone-on", None)):
        assert {entry["error"] for entry in ended(directory, name)} == {error}, ended(directory, name)
    # Two layers of 32 channels: each of four ranks has an oblong matrix and two square ones, in updates 5 to 7.
    exchanged = 3 * 4 * (4 * 32 * 128 + 8 * 32 * 32)
    assert [entry["messages"] for entry in ended(directory, "distributed-on")] == [[f"{exchanged} bytes"]] * 4
    assert [entry["messages"] for entry in ended(directory, "alone-on")] == [["0 bytes"]] * 4
    distributed, alone = (RunDirectory(directory / name) for name in ("distributed", "alone"))
    columns = ("update", "training_loss", "validation_loss", "gradient_norm")
    rows = [[[row.get(column) for column in columns] for row in run.metrics()] for run in (distributed, alone)]
    assert rows[0] == rows[1]
    assert [row[0] for row in rows[0]] == list(range(1, 9))
    newest, other = (run.checkpoints()[-1].path for run in (distributed, alone))
    for file in ("model.safetensors", "optimizer.safetensors"):
        assert (newest / file).read_bytes() == (other / file).read_bytes(), file


def test_a_rank_that_dies_in_the_exchange_ends_the_others_with_the_reason(directory: Path) -> None:
    survivor, dead = ended(directory, "lost")
    assert dead is None
    assert (survivor["error"], survivor["update"]) == ("TrainingError", 2)
    assert survivor["message"].startswith("rank 0 of 2 lost another rank: ")
