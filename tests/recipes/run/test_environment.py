"""What environment.json says of what made a run."""

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.recipes.run import environment
from gpt25.recipes.run.environment import record_environment
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def test_machine_software_and_ranks_are_recorded(run: RunDirectory) -> None:
    record_environment(run, Ranks(), micro_batch_rows=4)
    found = run.environment()
    assert (found["number_of_ranks"], found["micro_batch_rows"]) == (1, 4)
    assert found["torch"] == torch.__version__
    assert found["requirements"]["numpy"] == metadata.version("numpy")
    assert {"processor", "gpus", "cuda", "gpu_driver", "checkout"} <= found.keys()
    assert "earlier" not in found


def test_what_made_the_run_before_is_kept_once(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def record(commit: str) -> dict[str, Any]:
        monkeypatch.setattr(environment, "describe_software", lambda: {"checkout": {"commit": commit}})
        record_environment(run, Ranks(), micro_batch_rows=4)
        return run.environment()

    first = record("aaaa")
    assert record("aaaa") == first  # the same again is nothing new
    second = record("bbbb")
    assert second["earlier"] == [first]
    third = record("cccc")
    assert [each["checkout"]["commit"] for each in third["earlier"]] == ["aaaa", "bbbb"]
    assert record("cccc") == third


def test_a_damaged_record_stops_no_run(run: RunDirectory) -> None:
    run.environment_path.write_text("[]")
    record_environment(run, Ranks(), micro_batch_rows=4)
    assert run.environment()["number_of_ranks"] == 1
