"""The course of the run that a model comes from."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from gpt25.records import RunDirectory, Summary
from gpt25.server.playground.training_curve import thinned, training_curve


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path / "mine")
    run.path.mkdir()
    run.recipe_path.write_text("[model]\nvocabulary_size = 257\n")
    for update in range(1, 1501):
        row = {"update": update, "tokens": update * 10, "training_loss": 4.0 - update / 1000}
        run.append_metrics({**row, **({"validation_loss": 3.5 - update / 1000} if update % 500 == 0 else {})})
    run.append_sample({"update": 1500, "tokens": 15000, "prompt": "Once", "text": " upon a time"})
    return run


def test_points_are_means_of_neighbours() -> None:
    assert thinned([(1, 4.0), (2, None), (3, 2.0)]) == [[1, 4.0], [3, 2.0]]
    many = thinned([(update, float(update)) for update in range(1, 1501)])
    assert len(many) == 500
    assert many[0] == [3, 2.0]
    assert many[-1] == [1500, 1499.0]
    assert thinned([]) == []


def test_the_course_of_a_run(run: RunDirectory) -> None:
    found = training_curve(run)
    assert (found["title"], found["finished"]) == (None, False)
    assert found["validation"] == [[500, 3.0], [1000, 2.5], [1500, 2.0]]
    assert (len(found["training"]), found["training"][-1][0]) == (500, 1500)
    assert found["newest"]["tokens"] == 15000
    assert found["samples"] == [{"update": 1500, "prompt": "Once", "text": " upon a time"}]
    run.write_summary(Summary(title="GPT-2 on words", finished=True))
    assert (training_curve(run)["title"], training_curve(run)["finished"]) == ("GPT-2 on words", True)


def test_a_served_run_tells_its_course_and_no_path(
    start_server: Any, model_directory: Path, run: RunDirectory, tmp_path: Path
) -> None:
    checkpoint = run.checkpoint_path(1500)
    shutil.copytree(model_directory, checkpoint)
    from gpt25.storage import write_manifest

    write_manifest(checkpoint)
    with start_server({"mine": f"{run.path}@1500", "tiny": str(model_directory)}) as server:
        listed = {model["id"]: model["is_run"] for model in server.get("/v1/models")[1]["data"]}
        assert listed == {"mine": True, "tiny": False}
        assert server.get("/training/mine")[1]["newest"]["update"] == 1500
        status, content = server.get("/training/tiny")
        assert (status, content["error"]["code"]) == (404, "no_run")
        run.metrics_path.write_text("{broken\n{}\n")
        status, content = server.get("/training/mine")
        assert status == 503
        assert str(tmp_path) not in content["error"]["message"]
        run.path.rename(tmp_path / "elsewhere")
        status, content = server.get("/training/mine")
        assert status == 503
        assert "are not where they were; the model itself stays loaded." in content["error"]["message"]
        assert str(tmp_path) not in content["error"]["message"]
        assert server.complete(model="mine", prompt="x", max_tokens=2)
