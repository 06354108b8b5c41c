"""What a recipe's smaller early updates do to plans, epochs, probes, dry runs, progress and given models."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from gpt25.data import Document, PreparedData, prepare
from gpt25.errors import ConfigurationError
from gpt25.model import GPTConfiguration
from gpt25.recipes import load_recipe
from gpt25.recipes.dry_run import dry_run
from gpt25.recipes.planning import speed_probe
from gpt25.recipes.planning.plan import plan
from gpt25.recipes.planning.scaling import most_efficient_gpus
from gpt25.recipes.pretrain import pretrain
from gpt25.recipes.recipe import parse_recipe, recipe_text
from gpt25.recipes.run.epochs import within_epochs
from gpt25.records import RunDirectory
from gpt25.tokenizer import Tokenizer
from gpt25.training import (
    BatchConfiguration,
    DataConfiguration,
    LoopConfiguration,
    ScheduleConfiguration,
    TrainingConfiguration,
)
from gpt25.training.loop import probe

ADAMW = load_recipe("gpt2_124m_adamw")
STAGES = ((0.25, 131_072), (0.5, 262_144))  # a quarter and a half of 524,288
MEAN = 0.25 * 131_072 + 0.25 * 262_144 + 0.5 * 524_288


def with_batch(configuration: TrainingConfiguration, **values: Any) -> TrainingConfiguration:
    return dataclasses.replace(configuration, batch=dataclasses.replace(configuration.batch, **values))


def with_loop(configuration: TrainingConfiguration, **values: Any) -> TrainingConfiguration:
    return dataclasses.replace(configuration, loop=dataclasses.replace(configuration.loop, **values))


@pytest.fixture
def recipe(documents: list[Document], tmp_path: Path) -> TrainingConfiguration:
    text = "\n".join(document.content.decode() for document in documents)
    data: PreparedData = prepare(
        documents,
        Tokenizer.train([text], vocabulary_size=320),
        tmp_path / "data",
        validation_fraction=0.3,
        number_of_processes=1,
    )
    return TrainingConfiguration(
        model=GPTConfiguration(
            block_size=32,
            vocabulary_size=320,
            number_of_layers=1,
            number_of_heads=2,
            number_of_embedding_dimensions=16,
        ),
        data=DataConfiguration(directory=str(data.directory), validation_tokens=320),
        batch=BatchConfiguration(tokens_per_update=256, micro_batch_rows=2, smaller_updates=((0.25, 64), (0.5, 128))),
        schedule=ScheduleConfiguration(warm_up_updates=1),
        loop=LoopConfiguration(number_of_updates=8, device="cpu", precision="float32", sample_prompt="def"),
    )


def test_a_recipe_file_carries_the_schedule_and_it_may_not_change_in_a_run(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    read = parse_recipe("[batch]\nsmaller_updates = [[0.25, 131072], [0.5, 262144]]\n", source="it")
    assert read.batch.smaller_updates == STAGES
    assert parse_recipe(recipe_text(read), source="it") == read
    pretrain(recipe, tmp_path / "run", reporter=reporter)
    with pytest.raises(ConfigurationError, match=r"holds a run with another configuration \(batch.smaller_updates: "):
        pretrain(with_batch(recipe, smaller_updates=()), tmp_path / "run", reporter=reporter)


def test_a_plan_counts_the_tokens_that_the_updates_read() -> None:
    scheduled = with_loop(with_batch(ADAMW, smaller_updates=STAGES), number_of_updates=1000)
    found = plan(scheduled, gpus=8, price_per_hour=24, gpu="h100")
    assert found.total_tokens == 250 * 131_072 + 250 * 262_144 + 500 * 524_288 == 1000 * MEAN
    assert found.hours == pytest.approx(found.total_tokens / found.tokens_per_second / 3600)
    assert found.money == pytest.approx(24 * found.hours)
    equal = plan(with_loop(ADAMW, number_of_updates=1000), gpus=8, price_per_hour=24, gpu="h100")
    assert found.hours / equal.hours == pytest.approx(MEAN / 524_288)
    assert found.memory == equal.memory
    assert "updates of 131,072 tokens up to update 250" in found.projection.basis


def test_gpus_that_cannot_share_the_early_updates_are_refused_with_the_key_to_change() -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan(with_batch(ADAMW, smaller_updates=STAGES), gpus=256, gpu="h100")
    assert str(caught.value) == (
        "--gpus is 256; it must be 1 or more and divide the 128 rows of an update evenly. Choose another number of "
        "GPUs, or change batch.smaller_updates in the recipe."
    )
    assert most_efficient_gpus(with_batch(ADAMW, smaller_updates=((0.1, 3 * 8 * 1024),))) <= 8


def test_a_probe_spreads_the_optimizers_step_over_a_mean_update(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(configuration: TrainingConfiguration, *_: Any) -> float:
        """A step of 3 s, and 1 s for each micro-batch of 16 rows."""
        assert configuration.update_sizes.all_rows in ([16], [32])
        return 3 + configuration.rows_per_update / 16

    monkeypatch.setattr(speed_probe, "_seconds_of_an_update", seconds)
    monkeypatch.setattr(speed_probe, "_random_shards", lambda *_: None)
    # One micro-batch takes 4 s and two take 5: the probe never counts less than half of the first for a micro-batch.
    step, micro_batch = 2.0, 2.0
    scheduled = with_loop(with_batch(ADAMW, smaller_updates=STAGES), number_of_updates=1000)
    found = speed_probe.probe_tokens_per_second(scheduled, gpus=4)
    passes = 250 * 128 / 4 / 16 + 250 * 256 / 4 / 16 + 500 * 512 / 4 / 16
    assert found == pytest.approx(scheduled.total_tokens / 4 / (1000 * step + passes * micro_batch))


def test_a_quickstarts_probe_measures_every_stage(
    recipe: TrainingConfiguration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsed: list[int] = []

    class Rehearsing:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def rehearse_update(self, update: int) -> None:
            rehearsed.append(update)

    monkeypatch.setattr(probe, "Trainer", Rehearsing)
    monkeypatch.setattr(probe, "_seconds", lambda trainer, update: trainer.rehearse_update(update) or float(update))
    both = with_loop(with_batch(recipe, short_sequences=((0.375, 8),)), number_of_updates=80)
    nothing: Any = None
    run = RunDirectory(tmp_path / "run")
    mean = probe.seconds_per_update(both, run=run, train_shards=nothing, validation_shards=nothing, repetitions=1)
    assert rehearsed == [0, 1, 21, 31, 41]
    assert mean == pytest.approx(0.25 * 1 + 0.125 * 21 + 0.125 * 31 + 0.5 * 41)


@pytest.mark.parametrize("epochs", [0.5, 2.0, 3.3])
def test_epochs_count_the_tokens_of_all_stages(epochs: float) -> None:
    scheduled = with_loop(with_batch(ADAMW, smaller_updates=STAGES), number_of_epochs=epochs)
    shorter = within_epochs(scheduled, training_tokens=1_000_000_000)
    assert shorter.total_tokens == pytest.approx(epochs * 1e9, abs=2 * 524_288)
    assert shorter.loop.number_of_updates == pytest.approx(epochs * 1e9 / MEAN, abs=1)


def test_a_dry_run_goes_through_the_stages(recipe: TrainingConfiguration, tmp_path: Path, reporter: Any) -> None:
    found = dry_run(with_loop(recipe, number_of_updates=1000), tmp_path / "run", reporter=reporter)
    assert found is not None
    assert (found.updates, found.tokens_per_update, found.resume_difference) == (4, 128, 0.0)
    assert found.whole_run_seconds == pytest.approx((250 * 64 + 250 * 128 + 500 * 256) / found.tokens_per_second)
    assert "an update reads 64 tokens up to update 1, then 128" in reporter.noted


def test_progress_counts_tokens_where_updates_differ(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    pretrain(recipe, tmp_path / "run", reporter=reporter)
    assert reporter.advanced["training"] == 2 * 64 + 2 * 128 + 4 * 256
    assert "an update reads 64 tokens up to update 2, 128 up to update 4, then 256" in reporter.noted
    reporter.advanced.clear()
    (tmp_path / "run" / "checkpoints" / "update-000008").rename(tmp_path / "aside")
    pretrain(with_loop(recipe, checkpoint_interval_in_updates=3), tmp_path / "run", reporter=reporter)
    assert reporter.advanced["training"] == recipe.total_tokens  # nothing was saved before the last update
    reporter.advanced.clear()
    equal = with_batch(recipe, smaller_updates=())
    pretrain(equal, tmp_path / "equal", reporter=reporter)
    assert reporter.advanced["training"] == 8
