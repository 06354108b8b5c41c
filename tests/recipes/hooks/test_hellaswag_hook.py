"""HellaSwag while a model trains: the figures of `score`, the same training as without, by any number of ranks."""

import dataclasses
import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpt25.data import PreparedData
from gpt25.errors import DataError, Interrupted
from gpt25.evaluation import ScoringSettings, find_task, read_examples, score
from gpt25.model import GPTConfiguration
from gpt25.plots.report.compared_run import compared_runs
from gpt25.recipes import dry_run, pretrain, recipe_text
from gpt25.records import RunDirectory
from gpt25.training import (
    BatchConfiguration,
    DataConfiguration,
    HellaSwagConfiguration,
    LoopConfiguration,
    ScheduleConfiguration,
    TrainingConfiguration,
)
from gpt25.weights import load_pretrained

ENDINGS = ["return text", "raise error", "if width", "for line in lines"]
NAMES = {"hellaswag_accuracy", "hellaswag_accuracy_norm", "hellaswag_standard_error", "hellaswag_items"}


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty items in HellaSwag's own form, some longer than the model's view."""
    path = tmp_path_factory.mktemp("set") / "hellaswag.jsonl.gz"
    rows = [
        {
            "ctx": f"def number_{n}(text):\n   " * (1 + n % 5),
            "endings": ENDINGS[n % 4 :] + ENDINGS[: n % 4],
            "label": n % 3,
        }
        for n in range(40)
    ]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return path


@pytest.fixture
def configuration(data: PreparedData, items: Path) -> TrainingConfiguration:
    return TrainingConfiguration(
        model=GPTConfiguration(
            block_size=32,
            vocabulary_size=320,
            number_of_layers=2,
            number_of_heads=2,
            number_of_embedding_dimensions=16,
            residual_dropout=0.1,
        ),
        data=DataConfiguration(directory=str(data.directory), validation_tokens=320),
        batch=BatchConfiguration(tokens_per_update=128, micro_batch_rows=2),
        schedule=ScheduleConfiguration(warm_up_updates=1),
        loop=LoopConfiguration(
            number_of_updates=5,
            checkpoint_interval_in_updates=2,
            checkpoints_to_keep=9,
            device="cpu",
            precision="float32",
        ),
        hellaswag=HellaSwagConfiguration(interval_in_updates=2, data=str(items)),
    )


def changed(configuration: TrainingConfiguration, **values: Any) -> TrainingConfiguration:
    return dataclasses.replace(configuration, hellaswag=dataclasses.replace(configuration.hellaswag, **values))


def test_the_figures_are_those_of_the_checkpoints_and_training_is_the_same(
    configuration: TrainingConfiguration, items: Path, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(configuration, tmp_path / "run", reporter=reporter)
    measured = {row["update"]: row for row in run.metrics() if NAMES & row.keys()}
    assert list(measured) == [2, 4, 5]
    examples = read_examples(find_task("hellaswag"), str(items))
    for update, row in measured.items():
        model, tokenizer = load_pretrained(run.path, checkpoint=str(update))
        accuracy, norm = score(find_task("hellaswag"), examples, model, tokenizer)
        assert row["hellaswag_accuracy"] == accuracy.value
        assert row["hellaswag_accuracy_norm"] == norm.value
        assert row["hellaswag_standard_error"] == norm.standard_error
        assert row["hellaswag_items"] == 40
    without = pretrain(changed(configuration, interval_in_updates=None), tmp_path / "without", reporter=reporter)
    assert [row["training_loss"] for row in run.metrics()] == [row["training_loss"] for row in without.metrics()]
    assert not any(NAMES & row.keys() for row in without.metrics())
    assert sum("HellaSwag stands at" in note for note in reporter.noted) == 3
    page = run.report_path.read_text(encoding="utf-8")
    assert "only the first 40 items were scored on the way" in page
    assert ("by the first 40 items only" in page) == (measured[5]["hellaswag_accuracy_norm"] >= 0.294463)


def test_a_limit_and_a_start(configuration: TrainingConfiguration, items: Path, tmp_path: Path, reporter: Any) -> None:
    short = changed(configuration, limit=7)
    short = dataclasses.replace(short, loop=dataclasses.replace(short.loop, record_start=True, precision="bfloat16"))
    run = pretrain(short, tmp_path / "run", reporter=reporter)
    measured = {row["update"]: row["hellaswag_items"] for row in run.metrics() if "hellaswag_items" in row}
    assert measured == {0: 7, 2: 7, 4: 7, 5: 7}
    model, tokenizer = load_pretrained(run.path, checkpoint="4")
    settings = ScoringSettings(limit=7)
    examples = read_examples(find_task("hellaswag"), str(items))
    rounded = score(find_task("hellaswag"), examples, model.bfloat16(), tokenizer, settings=settings)
    assert run.metrics()[4]["hellaswag_accuracy_norm"] == rounded[1].value


def test_a_run_that_goes_on_may_score_other_items_and_they_are_not_mixed(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = RunDirectory.append_metrics

    def interrupting(run: RunDirectory, row: dict[str, Any]) -> None:
        append(run, row)
        if row["update"] == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "append_metrics", interrupting)
        with pytest.raises(Interrupted):
            pretrain(configuration, tmp_path / "run", reporter=reporter)
    run = pretrain(changed(configuration, limit=7), tmp_path / "run", reporter=reporter)
    assert [row["hellaswag_items"] for row in run.metrics() if "hellaswag_items" in row] == [40, 7, 7]
    (compared,) = compared_runs([run], [], price_per_hour=None)
    assert [row["update"] for row in compared.hellaswag_rows(all_items=False)] == [4, 5]
    assert compared.hellaswag_rows(all_items=True) == []


def test_what_is_missing_is_said_before_anything_is_written(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    absent = changed(configuration, data=str(tmp_path / "absent.jsonl"))
    for go in (pretrain, dry_run):
        with pytest.raises(
            DataError, match=r"HellaSwag cannot be measured while the model trains: .*absent\.jsonl is no"
        ):
            go(absent, tmp_path / "run", reporter=reporter)
    with pytest.raises(DataError, match=r"Name a file of the set with --hellaswag\.data FILE, or leave"):
        pretrain(changed(configuration, data=None), tmp_path / "run", reporter=reporter)  # the Hub is out of reach
    assert not (tmp_path / "run" / "run.toml").exists()


def test_a_dry_run_scores_a_few_items(configuration: TrainingConfiguration, tmp_path: Path, reporter: Any) -> None:
    found = dry_run(configuration, tmp_path / "run", reporter=reporter)
    assert found is not None
    assert found.hellaswag_accuracy_norm is not None
    assert any("(acc_norm, 16 items)" in note for note in reporter.noted)
    found = dry_run(changed(configuration, interval_in_updates=None), tmp_path / "run", reporter=reporter)
    assert found is not None
    assert found.hellaswag_accuracy_norm is None


def test_two_ranks_write_what_one_rank_writes(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    still = dataclasses.replace(configuration, model=dataclasses.replace(configuration.model, residual_dropout=0.0))
    (tmp_path / "recipe.toml").write_text(recipe_text(still))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    words = ["gpt25", "train", tmp_path / "recipe.toml", "--run", tmp_path / "two"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*torchrun, *words], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    one = pretrain(still, tmp_path / "one", reporter=reporter)
    figures = [
        [{name: row[name] for name in sorted(NAMES)} for row in run.metrics() if NAMES & row.keys()]
        for run in (one, RunDirectory(tmp_path / "two"))
    ]
    assert len(figures[0]) == 3
    assert figures[0] == figures[1]
