"""A whole run by a configuration: its files, its words, and what it refuses."""

import dataclasses
import os
import signal
import socket
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from gpt25.data import PreparedData
from gpt25.errors import ConfigurationError, DataError, Interrupted, PlotError, StorageError, TokenizerError
from gpt25.model import GPTConfiguration
from gpt25.recipes import load_recipe, pretrain, recipe_text
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks
from gpt25.storage import exclusive_lock
from gpt25.training import (
    BatchConfiguration,
    DataConfiguration,
    LoopConfiguration,
    OptimizerConfiguration,
    ScheduleConfiguration,
    TrainingConfiguration,
)


@pytest.fixture(scope="module")
def configuration(data: PreparedData) -> TrainingConfiguration:
    shape = GPTConfiguration(
        block_size=32, vocabulary_size=320, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=32
    )
    return TrainingConfiguration(
        model=shape,
        data=DataConfiguration(directory=str(data.directory), validation_tokens=320),
        batch=BatchConfiguration(tokens_per_update=128),
        optimizer=OptimizerConfiguration(clip_gradient_norm=None),
        schedule=ScheduleConfiguration(warm_up_updates=2),
        loop=LoopConfiguration(
            number_of_updates=4,
            validation_interval_in_updates=2,
            samples_interval_in_updates=2,
            checkpoint_interval_in_updates=2,
            sample_prompt="def ",
            device="cpu",
            precision="float32",
        ),
    )


def changed(configuration: TrainingConfiguration, section: str, **values: Any) -> TrainingConfiguration:
    return dataclasses.replace(
        configuration, **{section: dataclasses.replace(getattr(configuration, section), **values)}
    )


def test_a_run_leaves_every_file_and_says_where_it_stands(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(configuration, tmp_path / "run", reporter=reporter)
    names = {"run.toml", "environment.json", "metrics.jsonl", "samples.jsonl", "checkpoints", "loss.png", "report.html"}
    names |= {"summary.json"}
    assert {path.name for path in run.path.iterdir()} == names | {".lock"}
    assert load_recipe(run.recipe_path) == configuration
    assert run.environment()["number_of_ranks"] == 1
    assert run.environment()["requirements"]["safetensors"] == metadata.version("safetensors")
    assert [(row["update"], row["tokens"], row["prompt"]) for row in run.samples()] == [
        (2, 256, "def "),
        (4, 512, "def "),
    ]
    assert all(row["text"] for row in run.samples())
    assert [record.update for record in run.checkpoints()] == [2, 4]
    assert "--- a sample after update 4 ---\ndef " in reporter.everything
    assert reporter.advanced == {"training": 4}
    (note,) = reporter.noted
    assert note.startswith("training on cpu in float32: asked for")  # what follows depends on the processor


def test_tensorboard_is_written_where_it_is_asked_for(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = changed(changed(configuration, "track", tensorboard=True), "loop", record_start=True)
    run = pretrain(settings, tmp_path / "run", reporter=reporter)
    events = EventAccumulator(str(run.tensorboard_path))
    events.Reload()
    for field, name in (("training_loss", "loss/training"), ("validation_loss", "loss/validation")):
        recorded = {row["update"]: row[field] for row in run.metrics() if field in row}
        assert {event.step: event.value for event in events.Scalars(name)} == pytest.approx(recorded)
        assert (0 in recorded) == (field == "validation_loss")  # the start has a loss on held-out text alone


def test_a_tracker_that_fails_stops_no_run(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, row: dict[str, Any]) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("gpt25.recipes.hooks.trackers.TensorBoardScalars.write", fail)
    run = pretrain(changed(configuration, "track", tensorboard=True), tmp_path / "run", reporter=reporter)
    assert run.metrics()[-1]["update"] == 4
    (told,) = (note for note in reporter.noted if "tensorboard" in note)
    assert told.startswith("tensorboard gets no more of this run: no space left on device; training goes on")


def test_the_same_call_goes_on_with_an_interrupted_run(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pretrain(configuration, tmp_path / "whole", reporter=reporter)
    append = RunDirectory.append_metrics

    def interrupting(run: RunDirectory, row: dict[str, Any]) -> None:
        append(run, row)
        if row["update"] == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(RunDirectory, "append_metrics", interrupting)
    with pytest.raises(Interrupted, match="after update 3"):
        pretrain(configuration, tmp_path / "run", reporter=reporter)
    assert (tmp_path / "run" / "loss.png").is_file()  # what was reached can be looked at
    monkeypatch.undo()
    run = pretrain(configuration, tmp_path / "run", reporter=reporter)
    assert "going on after update 3 of 4" in reporter.said
    assert [row["training_loss"] for row in run.metrics()] == [row["training_loss"] for row in whole.metrics()]
    assert [row["text"] for row in run.samples()] == [row["text"] for row in whole.samples()]


def test_what_does_not_change_the_result_may_change(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(configuration, tmp_path / "run", reporter=reporter)
    other = changed(changed(configuration, "batch", micro_batch_rows=2), "loop", checkpoints_to_keep=1)
    pretrain(other, tmp_path / "run", reporter=reporter)
    assert load_recipe(run.recipe_path) == other


def test_another_configuration_in_the_same_directory_is_refused_with_both_values(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(configuration, tmp_path / "run", reporter=reporter)
    before = run.recipe_path.read_bytes()
    other = changed(changed(configuration, "optimizer", clip_gradient_norm=2.0), "loop", seed=3)
    with pytest.raises(ConfigurationError) as caught:
        pretrain(other, run.path, reporter=reporter)
    assert str(caught.value) == (
        f"{run.path} holds a run with another configuration (loop.seed: 3 now, 1337 then; "
        "optimizer.clip_gradient_norm: 2.0 now, None then). Choose another --run directory, or give the old values "
        "to go on."
    )
    assert run.recipe_path.read_bytes() == before


def test_a_run_that_another_process_holds_is_refused_with_its_number(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    unfinished = run.path / ".run.toml.gpt25-temporary-1-00000000"
    unfinished.write_text("what the other one is writing")
    with exclusive_lock(run.lock_path, of="", advice=""), pytest.raises(StorageError) as caught:
        pretrain(configuration, run.path, reporter=reporter)
    assert str(caught.value) == (
        f"{run.path} is in use by process {os.getpid()} on {socket.gethostname()}. Wait for it, stop it, or choose "
        "another --run directory."
    )
    assert {path.name for path in run.path.iterdir()} == {".lock", unfinished.name}
    pretrain(configuration, run.path, reporter=reporter)


def test_a_directory_that_cannot_be_written_is_found_before_anything_is_loaded(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    (tmp_path / "file").write_text("in the way")
    nowhere = changed(configuration, "data", directory=str(tmp_path / "absent"))
    with pytest.raises(StorageError, match=f"cannot write in {tmp_path / 'file' / 'run'}: Not a directory"):
        pretrain(nowhere, tmp_path / "file" / "run", reporter=reporter)


def test_a_vocabulary_that_does_not_fit_the_data_is_taken_over_and_said(
    configuration: TrainingConfiguration, data: PreparedData, tmp_path: Path, reporter: Any
) -> None:
    other = changed(configuration, "model", vocabulary_size=321)
    run = pretrain(other, tmp_path / "run", reporter=reporter)
    assert load_recipe(run.recipe_path).model.vocabulary_size == 320
    said = f"vocabulary: 320 tokens, as {data.tokenizer_name} has, instead of the recipe's 321"
    assert reporter.said.count(said) == 1
    pretrain(other, run.path, reporter=reporter)  # the same words go on with it
    assert reporter.said.count(said) == 1


def test_a_recipe_that_insists_on_its_vocabulary_refuses_another_with_both_numbers(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    insisting = changed(configuration, "data", vocabulary_size_from="recipe")
    with pytest.raises(ConfigurationError) as caught:
        pretrain(changed(insisting, "model", vocabulary_size=321), tmp_path / "run", reporter=reporter)
    assert "has 320 tokens, and the recipe insists on 321 (model.vocabulary_size). " in str(caught.value)
    assert "--data.vocabulary-size-from tokenizer" in str(caught.value)
    assert not (tmp_path / "run").exists()
    pretrain(insisting, tmp_path / "run", reporter=reporter)


def test_another_tokenizer_than_the_shards_own_is_refused_with_both_names(
    configuration: TrainingConfiguration, data: PreparedData, tmp_path: Path, reporter: Any
) -> None:
    with pytest.raises(DataError, match=rf"was prepared with the tokenizer {data.tokenizer_name} .* not with gpt2 "):
        pretrain(changed(configuration, "data", tokenizer="gpt2"), tmp_path / "run", reporter=reporter)


def test_data_without_a_tokenizer_is_told(configuration: TrainingConfiguration, tmp_path: Path, reporter: Any) -> None:
    with pytest.raises(TokenizerError, match="absent"):
        pretrain(
            changed(configuration, "data", directory=str(tmp_path / "absent")), tmp_path / "run", reporter=reporter
        )


def test_a_prompt_without_room_for_a_sample_is_found_before_training(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    long = changed(configuration, "loop", sample_prompt="xyz " * 40)
    with pytest.raises(
        ConfigurationError, match=r"loop.sample_prompt has \d+ tokens; with model.block_size 32, at most 31"
    ):
        pretrain(long, tmp_path / "run", reporter=reporter)
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_pictures_that_cannot_be_drawn_are_a_remark(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PlotError("no font")

    monkeypatch.setattr("gpt25.recipes.run.run_report.draw_losses", fail)
    run = pretrain(configuration, tmp_path / "run", reporter=reporter)
    assert reporter.noted[-1] == f"the pictures of {run.path} could not be drawn: no font"
    assert [record.update for record in run.checkpoints()] == [2, 4]


def test_what_a_killed_write_left_in_the_run_is_removed(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    leftover = tmp_path / "run" / ".run.toml.gpt25-temporary-1-00000000"
    leftover.parent.mkdir()
    leftover.write_text("half of i")
    pretrain(configuration, tmp_path / "run", reporter=reporter)
    assert not leftover.exists()


def test_the_other_ranks_meet_the_first_and_read_what_it_wrote(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    run = RunDirectory(tmp_path / "run")
    met: list[str] = []

    def connect(*_: object, **__: object) -> None:
        met.append("met")
        run.path.mkdir()
        run.recipe_path.write_text(recipe_text(changed(configuration, "batch", tokens_per_update=96)))

    second = Ranks(1, 2, 1)
    object.__setattr__(second, "connect", connect)
    with pytest.raises(ConfigurationError, match="3 rows of 32 tokens make an update; 2 ranks cannot share them"):
        pretrain(configuration, run.path, reporter=reporter, ranks=second)
    assert met == ["met"]
    assert [path.name for path in run.path.iterdir()] == ["run.toml"]
    assert reporter.said == reporter.noted == []
