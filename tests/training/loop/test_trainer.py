"""What a run does and records, on one rank."""

import dataclasses
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.data import Batches, PreparedData, TokenShards, Validation, open_shards
from gpt25.errors import ConfigurationError, DataError, GenerationError, TrainingError
from gpt25.model import GPTModel
from gpt25.records import RunDirectory
from gpt25.runtime import Compilation, will_compile
from gpt25.training import Trainer, TrainingConfiguration, TrainingHooks, seconds_per_update
from gpt25.weights import load_pretrained

Change = Callable[..., TrainingConfiguration]
MakeTrainer = Callable[..., Trainer]
TrainingShapes = Callable[[Trainer], list[tuple[int, ...]]]


def losses(trainer: Trainer, kind: str = "training_loss") -> list[float]:
    return [row[kind] for row in trainer.run.metrics() if kind in row]


def test_the_loss_falls_on_real_text(trainer: MakeTrainer, changed: Change) -> None:
    trained = trainer(changed(loop={"number_of_updates": 60, "validation_interval_in_updates": 60}))
    before = trained.validation_loss.measure()
    trained.train()
    assert before == pytest.approx(5.77, abs=0.1)  # ln 320
    assert losses(trained, "validation_loss")[-1] < before - 1.5


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_it_overfits_one_batch(optimizer: str, trainer: MakeTrainer, changed: Change) -> None:
    settings = changed(
        optimizer={"name": optimizer, "peak_learning_rate": 1e-2, "muon_peak_learning_rate": 2e-2, "weight_decay": 0.0},
        loop={"number_of_updates": 150},
    )
    trained = trainer(settings)
    for _ in range(150):
        trained.rehearse_update(5)
    batch = next(iter(trained.batches.for_update(5, rows_per_update=4, micro_batch_rows=4, rank=0, number_of_ranks=1)))
    with torch.no_grad():
        assert float(trained.model(*batch)[1]) < 0.01


def test_every_update_leaves_a_row_as_designed(trainer: MakeTrainer, data: PreparedData) -> None:
    trained = trainer()
    state = trained.train()
    rows = trained.run.metrics()
    assert [row["update"] for row in rows] == list(range(1, 9))
    assert [row["tokens"] for row in rows] == [128 * update for update in range(1, 9)]
    common = {"update", "tokens", "training_loss", "learning_rate", "gradient_norm", "tokens_per_second"}
    for row in rows:
        measured = {"validation_loss", "validation_tokens"} if row["update"] % 4 == 0 else set()
        assert row.keys() == common | {"elapsed_seconds"} | measured
        assert row["tokens_per_second"] > 0
        assert row["gradient_norm"] > 0
    assert rows[0]["learning_rate"] == pytest.approx(5e-3 / 2)  # the first of two updates of warm-up
    assert rows[1]["learning_rate"] == pytest.approx(5e-3)
    elapsed = [row["elapsed_seconds"] for row in rows]
    assert elapsed == sorted(elapsed)
    assert elapsed[0] > 0
    assert (state.update, state.tokens, state.rows) == (8, 1024, 32)
    assert state.metrics == {name: rows[-1][name] for name in ("training_loss", "validation_loss")}


def test_the_last_update_is_validated_sampled_and_saved_whatever_the_intervals(
    trainer: MakeTrainer, changed: Change
) -> None:
    sampled: list[tuple[int, int]] = []
    hooks = TrainingHooks(on_samples=lambda model, update, tokens: sampled.append((update, tokens)))
    intervals = dict.fromkeys(("validation", "samples", "checkpoint"), 100)
    settings = changed(
        loop={"number_of_updates": 3, **{f"{name}_interval_in_updates": n for name, n in intervals.items()}}
    )
    trained = trainer(settings, hooks=hooks)
    trained.train()
    assert [update for update, row in enumerate(trained.run.metrics(), 1) if "validation_loss" in row] == [3]
    assert sampled == [(3, 3 * 128)]
    assert [record.update for record in trained.run.checkpoints()] == [3]


def test_micro_batches_change_nothing_but_rounding(trainer: MakeTrainer, changed: Change) -> None:
    runs = {}
    for rows in (4, 2, 1):
        trained = trainer(changed(batch={"micro_batch_rows": rows}), run=f"run-{rows}")
        trained.train()
        runs[rows] = (
            losses(trained),
            losses(trained, "validation_loss"),
            trained.validation_loss.validation.number_of_tokens,
        )
    for rows in (2, 1):
        assert runs[rows][0] == pytest.approx(runs[4][0], rel=1e-4)
        assert runs[rows][1] == pytest.approx(runs[4][1], rel=1e-4)
        assert runs[rows][2] == runs[4][2] == 320
    assert len(set(runs[4][0])) == 8


def test_the_micro_batch_that_was_asked_for_and_does_not_divide_is_said(
    trainer: MakeTrainer, changed: Change, messages: list[str]
) -> None:
    trainer(changed(batch={"micro_batch_rows": 3}, loop={"number_of_updates": 2})).train()
    assert messages == ["micro-batches have 2 rows instead of 3: the most that divide the 4 rows of an update"]


def test_a_gpu_that_cannot_compile_trains_uncompiled_and_says_what_to_install(
    trainer: MakeTrainer, changed: Change, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = Compilation(False, "Triton needs a C compiler (gcc): on Debian and Ubuntu, apt install gcc")
    trained = trainer(changed())
    monkeypatch.setattr("gpt25.training.loop.trainer.choose_compilation", lambda device: lacking)
    trained._start_hooks()
    assert messages == []  # a processor trains uncompiled anyway
    trained.device = torch.device("cuda")
    trained._start_hooks()
    assert messages == [f"training uncompiled, and so more slowly: {lacking.reason}"]
    monkeypatch.setattr("gpt25.runtime.compilation.choose_compilation", lambda device: lacking)
    assert not will_compile(trained.device, "auto")


def test_the_validation_loss_is_the_simple_loss_over_fixed_tokens(trainer: MakeTrainer, changed: Change) -> None:
    trained = trainer(changed(model={"residual_dropout": 0.5}))
    shards = trained.validation_loss.validation.shards
    tokens = torch.from_numpy(shards.tokens(0, 321).astype("int64"))
    trained.model.eval()
    with torch.no_grad():
        expected = float(trained.model(tokens[:-1].view(-1, 32), tokens[1:].view(-1, 32))[1])
    trained.model.train()
    assert trained.validation_loss.measure() == pytest.approx(expected, rel=1e-5)
    assert trained.model.training


def test_a_curriculum_reads_the_same_tokens_in_shorter_sequences(
    trainer: MakeTrainer, changed: Change, training_shapes: TrainingShapes
) -> None:
    settings = changed(batch={"short_sequences": ((0.25, 8), (0.5, 16))})
    trained = trainer(settings)
    shapes = training_shapes(trained)
    trained.train()
    assert shapes == [(16, 8)] * 2 + [(8, 16)] * 2 + [(4, 32)] * 4
    plain = trainer(run="plain")
    plain.train()
    assert losses(trained)[0] != losses(plain)[0]
    assert [row["tokens"] for row in trained.run.metrics()] == [row["tokens"] for row in plain.run.metrics()]


def test_long_gradients_are_shortened_to_the_limit(trainer: MakeTrainer, changed: Change) -> None:
    lengths: dict[float | None, list[float]] = {}
    for limit in (None, 1e-3, 1e3):
        trained = trainer(changed(optimizer={"name": "adamw", "clip_gradient_norm": limit}), run=f"run-{limit}")
        step, seen = trained.gradient_update.optimizers.step, lengths.setdefault(limit, [])

        def watched(trained: Trainer = trained, step: Any = step, seen: list[float] = seen, **options: float) -> None:
            seen.append(float(torch.nn.utils.get_total_norm(trained.gradient_update._gradients())))
            step(**options)

        trained.gradient_update.optimizers.step = watched  # type: ignore[method-assign]
        trained.train()
        logged = [row["gradient_norm"] for row in trained.run.metrics()]
        assert seen == pytest.approx(logged if limit != 1e-3 else [1e-3] * 8, rel=1e-4)
    assert lengths[None] == lengths[1e3]
    assert min(lengths[None]) > 1e-3


def test_dropout_drops_while_training(trainer: MakeTrainer, changed: Change) -> None:
    plain, dropping = trainer(run="plain"), trainer(changed(model={"residual_dropout": 0.3}), run="dropping")
    plain.train()
    dropping.train()
    assert losses(plain)[0] != losses(dropping)[0]


def test_the_seed_decides_weights_and_order(trainer: MakeTrainer, changed: Change) -> None:
    runs = [trainer(changed(loop={"seed": seed}), run=f"run-{number}") for number, seed in enumerate((1, 1, 2))]
    for run in runs:
        run.train()
    assert losses(runs[0]) == losses(runs[1])
    assert losses(runs[0])[0] != losses(runs[2])[0]


def test_bfloat16_trains_nearly_as_float32(trainer: MakeTrainer, changed: Change) -> None:
    exact, rough = trainer(run="exact"), trainer(changed(loop={"precision": "bfloat16"}), run="rough")
    exact.train()
    rough.train()
    assert losses(rough) == pytest.approx(losses(exact), rel=5e-3)
    assert losses(rough) != losses(exact)
    assert {parameter.dtype for parameter in rough.model.parameters()} == {torch.float32}


def test_training_goes_on_from_given_weights(trainer: MakeTrainer, configuration: TrainingConfiguration) -> None:
    model = GPTModel(configuration.model, generator=torch.Generator().manual_seed(99))
    trained = trainer(initial_model=model)
    assert trained.model is model
    other = GPTModel(dataclasses.replace(configuration.model, number_of_layers=1))
    with pytest.raises(ConfigurationError, match=r"the initial model is .*number_of_layers=1.* they must be equal"):
        trainer(initial_model=other)


def test_the_start_is_measured_sampled_and_saved_before_the_first_update(
    trainer: MakeTrainer, changed: Change, configuration: TrainingConfiguration, messages: list[str]
) -> None:
    model = GPTModel(configuration.model, generator=torch.Generator().manual_seed(99))
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    sampled: list[int] = []
    hooks = TrainingHooks(on_samples=lambda model, update, tokens: sampled.append(update), on_message=messages.append)
    settings = changed(loop={"record_start": True, "checkpoints_to_keep": 9})
    trained = trainer(settings, initial_model=model, hooks=hooks)
    loss = trained.validation_loss.measure()
    trained.train()
    first, *others = trained.run.metrics()
    tokens = trained.validation_loss.validation.number_of_tokens
    assert first == {
        "update": 0,
        "tokens": 0,
        "validation_loss": loss,
        "validation_tokens": tokens,
        "elapsed_seconds": first["elapsed_seconds"],
    }
    assert [row["update"] for row in others] == list(range(1, 9))
    assert 0 < first["elapsed_seconds"] < others[0]["elapsed_seconds"]
    assert sampled == [0, 4, 8]
    assert messages == [f"before the first update the validation loss is {loss:.4f}"]
    assert [record.update for record in trained.run.checkpoints()] == [0, 3, 6, 8]
    start = trained.run.checkpoints()[0]
    assert start.validation_loss == loss
    saved, _ = load_pretrained(start.path)
    assert all(torch.equal(value, before[name]) for name, value in saved.named_parameters())


def test_a_record_begun_without_a_checkpoint_is_begun_anew(trainer: MakeTrainer, changed: Change) -> None:
    settings = changed(loop={"record_start": True})
    trained = trainer(settings)
    trained.run.path.mkdir()
    trained.run.append_metrics({"update": 0, "tokens": 0, "validation_loss": 1.0, "elapsed_seconds": 1.0})
    trained.train()
    assert [row["update"] for row in trained.run.metrics()] == list(range(9))
    assert trained.run.metrics()[0]["validation_loss"] > 5


def test_a_sample_that_cannot_be_written_costs_a_sample_not_the_run(trainer: MakeTrainer, messages: list[str]) -> None:
    def fail(model: GPTModel, update: int, tokens: int) -> None:
        assert not model.training
        raise GenerationError("the prompt is too long")

    trained = trainer(hooks=TrainingHooks(on_samples=fail, on_message=messages.append))
    assert trained.train().update == 8
    assert messages == [f"no sample after update {update}: the prompt is too long" for update in (4, 8)]
    assert trained.model.training


def test_a_corpus_shorter_than_a_block_is_an_error_before_training(
    trainer: MakeTrainer, changed: Change, tmp_path: Path
) -> None:
    settings = changed(
        model={"block_size": 1 << 15}, batch={"tokens_per_update": 1 << 15}, data={"validation_tokens": 1 << 15}
    )
    with pytest.raises(DataError, match=r"too few for one block: 32,768 \+ 1 are needed"):
        trainer(settings)
    assert not (tmp_path / "run").exists()


def test_validation_of_less_than_a_block_is_an_error_before_training(trainer: MakeTrainer, changed: Change) -> None:
    with pytest.raises(ConfigurationError, match="validation on 31 tokens is less than one block of 32"):
        trainer(changed(data={"validation_tokens": 31}))


def test_a_wall_clock_that_jumps_back_moves_nothing(trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = itertools.count()
    monkeypatch.setattr(time, "time", lambda: 1e9 - 1e6 * next(jumps))
    trained = trainer()
    trained.train()
    rows = trained.run.metrics()
    elapsed = [row["elapsed_seconds"] for row in rows]
    assert elapsed == sorted(elapsed)
    assert all(0 < value < 600 for value in elapsed)
    assert [row["update"] for row in rows] == list(range(1, 9))
    assert all(row["tokens_per_second"] > 0 for row in rows)


# NaN and infinity.


def poison(trainer: Trainer, updates: set[int], what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the loss, or only the gradient, of some updates (counted from 1) not finite."""
    forward = trainer.loss_module.forward

    def poisoned(indices: torch.Tensor, labels: torch.Tensor, parts: int | None = None) -> torch.Tensor:
        loss = forward(indices, labels, parts)
        if not torch.is_grad_enabled() or trainer.state.update + 1 not in updates:
            return loss
        if what == "loss":
            return loss * float("nan")
        loss.register_hook(lambda gradient: gradient * float("inf"))
        return loss

    monkeypatch.setattr(trainer.loss_module, "forward", poisoned)


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_an_update_that_is_not_finite_is_skipped(
    what: str,
    trainer: MakeTrainer,
    weights: Callable[[Trainer], dict[str, torch.Tensor]],
    messages: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained = trainer()
    poison(trained, {3, 4}, what, monkeypatch)
    seen: dict[int, dict[str, torch.Tensor]] = {}
    hooks = TrainingHooks(
        on_message=messages.append, on_update=lambda row: seen.update({row["update"]: weights(trained)})
    )
    trained.hooks = hooks
    state = trained.train()
    assert [all(torch.equal(seen[2][name], seen[update][name]) for name in seen[2]) for update in (3, 4, 5)] == [
        True,
        True,
        False,
    ]
    assert [message.split(";")[1] for message in messages] == [
        " all ranks skip this update (1 in a row, 5 allowed)",
        " all ranks skip this update (2 in a row, 5 allowed)",
    ]
    assert messages[0].startswith("update 3: loss ")
    assert state.non_finite_updates == 2
    row = trained.run.metrics()[2]
    assert row["training_loss" if what == "loss" else "gradient_norm"] is None
    # Update 3 was due for a checkpoint, and not fit for one.
    assert [record.update for record in trained.run.checkpoints()] == [6, 8]


def test_too_many_in_a_row_stop_the_run_and_leave_the_last_good_checkpoint(
    trainer: MakeTrainer, changed: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = trainer(changed(loop={"non_finite_updates_allowed": 2}))
    poison(trained, set(range(4, 99)), "loss", monkeypatch)
    with pytest.raises(TrainingError) as caught:
        trained.train()
    assert str(caught.value).startswith("update 6: loss nan, gradient norm nan; 3 updates in a row were not finite, 2 ")
    assert f"The last good checkpoint is untouched in {trained.run.checkpoints_path}. Look at the" in str(caught.value)
    record, problems = trained.run.newest_intact_checkpoint()
    assert (record.update, problems) == (3, [])
    assert trainer().train().update == 8  # without the poison, the run goes on


def test_updates_that_recover_are_counted_anew(
    trainer: MakeTrainer, changed: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = trainer(changed(loop={"non_finite_updates_allowed": 2}))
    poison(trained, {1, 2, 4, 5, 7, 8}, "loss", monkeypatch)
    assert trained.train().non_finite_updates == 6


def test_weights_that_are_not_finite_are_never_saved(
    trainer: MakeTrainer, changed: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = trainer()
    step = trained.gradient_update.optimizers.step

    def spoiling(**options: float) -> None:
        step(**options)
        if trained.state.update == 5:
            trained.model.transformer.final_layer_norm.weight.data[0] = float("nan")

    monkeypatch.setattr(trained.gradient_update.optimizers, "step", spoiling)
    with pytest.raises(TrainingError, match="after update 6, .* the weights hold NaN or infinite values"):
        trained.train()
    assert [record.update for record in trained.run.checkpoints()] == [3]


# The probe.


def test_the_probe_measures_every_stage_and_writes_nothing(
    changed: Change, data: PreparedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {8: 1.0, 16: 2.0, 32: 4.0}
    clock = [0.0]
    rehearsed: list[int] = []

    def rehearse(trainer: Trainer, update: int) -> None:
        rehearsed.append(update)
        clock[0] += seconds[trainer.configuration.sequence_length(update)]

    monkeypatch.setattr(Trainer, "rehearse_update", rehearse)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    settings = changed(
        batch={"short_sequences": ((0.25, 8), (0.5, 16))},
        loop={"number_of_updates": 100},
    )
    shards: dict[str, TokenShards] = {
        f"{split}_shards": open_shards(data.directory, split) for split in ("train", "validation")
    }
    mean = seconds_per_update(settings, run=RunDirectory(tmp_path / "run"), repetitions=3, **shards)
    assert mean == pytest.approx(0.25 * 1 + 0.25 * 2 + 0.5 * 4)
    assert rehearsed == [0] + [1] * 3 + [26] * 3 + [51] * 3
    assert not (tmp_path / "run").exists()


def test_a_rehearsed_update_is_a_real_one(
    trainer: MakeTrainer, weights: Callable[[Trainer], dict[str, torch.Tensor]]
) -> None:
    trained = trainer()
    before = weights(trained)
    trained.rehearse_update(0)
    assert all(not torch.equal(before[name], value) for name, value in weights(trained).items())
    assert not trained.gradient_update._gradients()
    assert not trained.run.path.exists()


def test_batches_and_validation_are_those_of_the_data_floor(trainer: MakeTrainer, data: PreparedData) -> None:
    trained = trainer()
    assert isinstance(trained.batches, Batches)
    assert isinstance(trained.validation_loss.validation, Validation)
    assert trained.batches.shards.number_of_tokens == data.train.tokens
    assert trained.validation_loss.validation.vocabulary_size == 320
