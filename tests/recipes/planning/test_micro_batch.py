"""Micro-batches that are chosen for the device: what fits, what a run keeps, and that nothing else changes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.cli.main import main
from gpt25.data import PreparedData
from gpt25.model import GPTConfiguration
from gpt25.recipes import load_recipe, pretrain
from gpt25.recipes.planning import micro_batch
from gpt25.recipes.planning.memory_plan import needed_bytes
from gpt25.recipes.planning.micro_batch import automatic_rows, choose_rows, with_rows
from gpt25.recipes.planning.plan import plan
from gpt25.records import RunDirectory
from gpt25.runtime import Precision, Ranks
from gpt25.training import BatchConfiguration, DataConfiguration, LoopConfiguration, TrainingConfiguration

MUON = load_recipe("gpt2_124m")


def rows_for(configuration: TrainingConfiguration, gigabytes: float, gpus: int = 1) -> int:
    usable = int(0.9 * gigabytes * 1e9)
    return automatic_rows(configuration, gpus=gpus, usable_bytes=usable, precision="bfloat16")


@pytest.mark.parametrize(("gigabytes", "rows"), [(180, 64), (80, 64), (40, 64), (24, 32), (12, 16), (8, 8), (2, 1)])
def test_a_gpu_gets_what_fits_up_to_64_rows_of_the_124m(gigabytes: float, rows: int) -> None:
    assert MUON.batch.micro_batch_rows == "auto"
    assert rows_for(MUON, gigabytes) == rows
    if 1 < rows < 64:
        assert needed_bytes(MUON, rows) <= 0.9e9 * gigabytes < needed_bytes(MUON, 2 * rows)


def test_they_divide_a_gpus_rows_of_an_update() -> None:
    odd = dataclasses.replace(MUON, batch=dataclasses.replace(MUON.batch, tokens_per_update=96 * 1024))
    assert rows_for(odd, 80) == 48
    assert rows_for(odd, 80, gpus=3) == 32
    assert rows_for(MUON, 80, gpus=64) == 8


def test_a_processor_keeps_the_default() -> None:
    assert (
        automatic_rows(MUON, gpus=1, usable_bytes=None, precision="float32")
        == 4
        == BatchConfiguration().micro_batch_rows
    )


def on_a_gpu(monkeypatch: pytest.MonkeyPatch, gigabytes: float) -> None:
    monkeypatch.setattr(micro_batch, "choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(micro_batch, "choose_precision", lambda *_: Precision("bfloat16", torch.bfloat16, ""))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (int(gigabytes * 1e9), 100 * 10**9))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 2 * 10**9)


def test_what_is_chosen_is_said_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_gpu(monkeypatch, 22)  # free, and 2 that this process holds
    found = choose_rows(MUON, Ranks(), previous=None)
    assert found is not None
    assert found.rows == 32
    assert found.reason == (
        "micro-batches have 32 rows (32,768 tokens, the most up to 65,536 that divide an update and fit 21.6 GB by the "
        "arithmetic of gpt25 plan)"
    )
    assert choose_rows(with_rows(MUON, 16), Ranks(), previous=4) is None  # a number keeps meaning what it means


def test_a_run_keeps_the_micro_batch_that_it_began_with_where_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_gpu(monkeypatch, 78)
    kept = choose_rows(MUON, Ranks(), previous=16)
    assert kept is not None
    assert (kept.rows, kept.reason) == (16, "micro-batches have 16 rows, as the run began with")
    same = choose_rows(MUON, Ranks(), previous=64)
    assert same is not None
    assert same.rows == 64
    assert "instead of" not in same.reason
    on_a_gpu(monkeypatch, 22)
    other = choose_rows(MUON, Ranks(), previous=64)
    assert other is not None
    assert other.rows == 32
    assert "micro-batches have 32 rows instead of the 64 that the run began with (" in other.reason
    assert other.reason.endswith("what follows is rounded in another order")


def test_all_ranks_take_what_the_smallest_gpu_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_gpu(monkeypatch, 78)
    monkeypatch.setattr(Ranks, "sum", lambda ranks, values: [values[0], 8.0])  # the other one has less memory
    found = choose_rows(MUON, Ranks(0, 2), previous=None)
    assert found is not None
    assert found.rows == 8


def test_a_plan_counts_what_would_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt25.recipes.planning.hardware.choose_device", lambda name: torch.device("cpu"))
    assert [plan(MUON, gpu=gpu).micro_batch_rows for gpu in ("h100", "4090")] == [64, 32]
    assert plan(MUON, gpu="4090").memory[3].arithmetic.endswith("x 32 rows")
    probed: list[Any] = []
    plan(MUON, gpu="here", probe=lambda configuration, gpus: probed.append(configuration.batch.micro_batch_rows) or 1.0)
    assert probed == [4]
    assert plan(with_rows(MUON, 16), gpu="h100").micro_batch_rows == 16


@pytest.fixture
def automatic(data: PreparedData) -> TrainingConfiguration:
    shape = GPTConfiguration(
        block_size=32, vocabulary_size=320, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=32
    )
    return TrainingConfiguration(
        model=shape,
        data=DataConfiguration(directory=str(data.directory), validation_tokens=320),
        batch=BatchConfiguration(tokens_per_update=256, micro_batch_rows="auto"),
        schedule=dataclasses.replace(TrainingConfiguration().schedule, warm_up_updates=1),
        loop=LoopConfiguration(
            number_of_updates=4, device="cpu", precision="float32", checkpoint_interval_in_updates=2
        ),
    )


def losses(run: RunDirectory) -> list[float]:
    return [row["training_loss"] for row in run.metrics()]


def test_a_run_records_what_was_chosen_and_goes_on_with_it(
    automatic: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(automatic, tmp_path / "run", reporter=reporter)
    assert load_recipe(run.recipe_path).batch.micro_batch_rows == "auto"
    assert run.environment()["micro_batch_rows"] == 4
    assert run.checkpoints()[-1].state()["configuration"]["batch"]["micro_batch_rows"] == 4
    assert "micro-batches have 4 rows (128 tokens, as on every processor)" in reporter.noted
    plain = pretrain(with_rows(automatic, 4), tmp_path / "plain", reporter=reporter)
    assert losses(run) == losses(plain)  # to the bit

    longer = dataclasses.replace(automatic, loop=dataclasses.replace(automatic.loop, number_of_updates=4))
    environment = json.loads(run.environment_path.read_text())
    run.environment_path.write_text(json.dumps({**environment, "micro_batch_rows": 2}))
    (tmp_path / "run" / "checkpoints" / "update-000004" / "MANIFEST.json").unlink()
    pretrain(longer, run.path, reporter=reporter)
    assert "micro-batches have 2 rows, as the run began with" in reporter.noted
    assert run.environment()["micro_batch_rows"] == 2


def test_it_is_a_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[batch]\nmicro_batch_rows = "all"\n')
    assert main(["plan", str(own), "--gpu", "h100"]) == 2
    assert "micro_batch_rows is 'all'; it must be " in capsys.readouterr().err
    words = ["train", "gpt2_124m", "--run", str(tmp_path / "run"), "--data.directory", str(tmp_path / "none")]
    for value in ("auto", "8"):
        assert main([*words, "--batch.micro-batch-rows", value]) == 2
        assert f"there is no {tmp_path / 'none'}, where" in capsys.readouterr().err
    assert main([*words, "--batch.micro-batch-rows", "lots"]) == 2
    assert "--batch.micro-batch-rows: expected a whole number or auto" in capsys.readouterr().err
