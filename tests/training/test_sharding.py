"""Sharded parameters: two ranks learn what one learns, and leave ordinary checkpoints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gpt25.recipes.recipe import recipe_text
from gpt25.records import RunDirectory
from gpt25.training import TrainingConfiguration
from gpt25.training.checkpoints.checkpoint import AVERAGE_NAME, OPTIMIZER_NAME
from gpt25.training.sharding import copy_full, full, full_model, local_shard
from gpt25.weights import load_pretrained

RUNS = ["two", "sharded", "late", "fewer", "more"]


@pytest.fixture(scope="module")
def directory(configuration: TrainingConfiguration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all scenarios ran, once for all tests."""
    directory = tmp_path_factory.mktemp("sharded")
    recipe = directory / "recipe.toml"
    recipe.write_text(recipe_text(configuration))
    script = Path(__file__).with_name("sharded_parameters.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), str(recipe), str(directory)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return directory


def ended(directory: Path, name: str) -> list[dict]:
    return json.loads((directory / f"{name}.json").read_text())


def test_every_scenario_ended_as_it_should(directory: Path) -> None:
    for name in ("one", "two", "sharded", "late", "fewer-on", "more-on"):
        assert [(entry["error"], entry["message"]) for entry in ended(directory, name)] in (
            [(None, "")],
            [(None, "")] * 2,
        )
    for name, number in (("fewer", 2), ("more", 1)):
        assert [(entry["error"], entry["update"]) for entry in ended(directory, name)] == [("Interrupted", 4)] * number


@pytest.mark.parametrize("name", RUNS)
def test_all_learn_the_same(directory: Path, name: str) -> None:
    alone, run = RunDirectory(directory / "one"), RunDirectory(directory / name)
    for column in ("training_loss", "validation_loss", "gradient_norm", "of_the_hook"):
        expected = [row[column] for row in alone.metrics() if column in row]
        assert [row[column] for row in run.metrics() if column in row] == pytest.approx(expected, abs=1e-5), column
    newest, other = (each.checkpoints()[-1].path for each in (alone, run))
    files = {path.name for path in newest.iterdir()}
    assert {path.name for path in other.iterdir()} == files
    for file in ("model.safetensors", OPTIMIZER_NAME):
        expected, found = load_file(newest / file), load_file(other / file)
        assert expected.keys() == found.keys()
        for key, value in expected.items():
            torch.testing.assert_close(found[key], value, rtol=0, atol=1e-5, msg=lambda text, n=key: f"{n} {text}")
    load_pretrained(other)


def test_a_sharded_average_is_the_same_average(directory: Path) -> None:
    assert [entry["error"] for entry in ended(directory, "average-sharded")] == ["Interrupted"] * 2
    for name in ("average-fewer", "average-full", "average"):
        assert {(entry["error"], entry["message"]) for entry in ended(directory, name)} == {(None, "")}
    alone = RunDirectory(directory / "average")
    for name in ("average-sharded", "average-full"):
        run = RunDirectory(directory / name)
        for column in ("validation_loss", "validation_loss_of_last_weights", "validation_loss_of_average"):
            assert run.metrics()[-1][column] == pytest.approx(alone.metrics()[-1][column], abs=1e-5)
        for file, update in ((AVERAGE_NAME, 4), ("model.safetensors", 8)):
            expected, found = (load_file(each.checkpoint_path(update) / file) for each in (alone, run))
            assert expected.keys() == found.keys()
            for key, value in expected.items():
                torch.testing.assert_close(found[key], value, rtol=0, atol=1e-5, msg=lambda text, n=key: f"{n} {text}")


def test_each_rank_keeps_a_shard(directory: Path) -> None:
    first, second = ended(directory, "sharded")
    # Of the token embeddings, the largest parameter, half of the rows: 320 x 32 / 2.
    assert all("largest shard 5120" in entry["messages"] for entry in (first, second))
    assert not any("shard " in message for message in ended(directory, "two")[0]["messages"])


def test_the_first_rank_alone_samples_from_a_full_model(directory: Path) -> None:
    (alone,), (first, second) = ended(directory, "one"), ended(directory, "sharded")
    samples = [[text for text in entry["messages"] if text.startswith("sample ")] for entry in (alone, first, second)]
    assert len(samples[0]) == 2
    assert [float(text.split()[1]) for text in samples[1]] == pytest.approx(
        [float(text.split()[1]) for text in samples[0]], abs=2e-5
    )
    assert samples[2] == []


@pytest.mark.parametrize("name", ["two", "sharded"])
def test_the_first_rank_alone_writes(directory: Path, name: str) -> None:
    written = [{text for text in entry["messages"] if text.startswith("wrote ")} for entry in ended(directory, name)]
    for part in ("metrics.jsonl", "update-000003", "update-000008"):
        assert any(part in text for text in written[0]), part
    assert written[1] == set()


def test_what_is_not_sharded_stays_as_it_is(trainer) -> None:
    model = trainer().model
    tensor, values = torch.zeros(3), torch.arange(3.0)
    assert full_model(model) is model
    assert full(tensor) is tensor
    assert local_shard(tensor) is tensor
    copy_full(tensor, values)
    assert tensor.tolist() == [0, 1, 2]
