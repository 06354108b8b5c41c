"""A run whose early updates are smaller: the same data in the same order, counted right, resumed bit for bit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.training import Trainer, TrainingConfiguration

Change = Callable[..., TrainingConfiguration]
MakeTrainer = Callable[..., Trainer]
TrainingShapes = Callable[[Trainer], list[tuple[int, ...]]]
TrainUntil = Callable[..., None]
Weights = Callable[[Trainer], dict[str, torch.Tensor]]

STAGES = {"smaller_updates": ((0.25, 32), (0.5, 64))}
TOKENS = [32, 32, 64, 64, 128, 128, 128, 128]


def logged(trainer: Trainer) -> list[dict[str, Any]]:
    """The record without what depends on the clock."""
    times = ("tokens_per_second", "elapsed_seconds")
    return [{name: value for name, value in row.items() if name not in times} for row in trainer.run.metrics()]


def watching(trainer: Trainer, seen: list[torch.Tensor]) -> Trainer:
    """Keep what the trainer reads."""
    micro_batch = trainer.batches.micro_batch

    def watched(first: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        inputs, labels = micro_batch(first, count)
        seen.append(inputs)
        return inputs, labels

    trainer.batches.micro_batch = watched  # type: ignore[method-assign]
    return trainer


@pytest.mark.parametrize("micro_batch_rows", [1, 4])
@pytest.mark.parametrize("prefetch", [True, False])
def test_every_row_of_the_order_is_read_once_and_counted(
    micro_batch_rows: int, prefetch: bool, trainer: MakeTrainer, changed: Change
) -> None:
    settings = changed(batch={**STAGES, "micro_batch_rows": micro_batch_rows}, speed={"prefetch": prefetch})
    seen: list[torch.Tensor] = []
    trained = watching(trainer(settings), seen)
    state = trained.train()
    expected, _ = trainer(run="other").batches.micro_batch(0, 22)  # 2 x 1 + 2 x 2 + 4 x 4 rows
    assert torch.equal(torch.cat(seen), expected)
    assert max(map(len, seen)) == micro_batch_rows
    rows = trained.run.metrics()
    assert [row["tokens"] for row in rows] == [sum(TOKENS[: update + 1]) for update in range(8)]
    assert (state.update, state.tokens, state.rows) == (8, sum(TOKENS), 22) == (8, settings.total_tokens, 22)
    plain = trainer(run="plain")
    plain.train()
    # The rates follow the updates, whatever their size.
    assert [row["learning_rate"] for row in rows] == [row["learning_rate"] for row in plain.run.metrics()]


def test_each_stage_learns_what_a_run_of_its_size_learns(trainer: MakeTrainer, changed: Change) -> None:
    small = trainer(changed(batch={"tokens_per_update": 64}), run="small")
    mixed = trainer(changed(batch={"smaller_updates": ((0.5, 64),)}), run="mixed")
    small.train()
    mixed.train()
    same = [row for row in logged(small) if row["update"] <= 4]
    assert logged(mixed)[:4] == same
    assert logged(mixed)[4]["training_loss"] != logged(small)[4]["training_loss"]


def test_the_rate_counts_the_tokens_of_its_own_update(
    trainer: MakeTrainer, changed: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr("gpt25.training.loop.update_cycle.time.perf_counter", lambda: float(next(seconds)))
    trained = trainer(changed(batch=STAGES))
    trained.train()
    assert [row["tokens_per_second"] for row in trained.run.metrics()] == TOKENS  # every update takes one second


def test_short_sequences_are_cut_from_the_rows_of_small_updates(
    trainer: MakeTrainer, changed: Change, training_shapes: TrainingShapes
) -> None:
    trained = trainer(changed(batch={**STAGES, "short_sequences": ((0.375, 8),)}))
    shapes = training_shapes(trained)
    trained.train()
    assert shapes == [(4, 8), (4, 8), (8, 8), (2, 32), *[(4, 32)] * 4]


@pytest.mark.parametrize("stop", [1, 2, 3, 5])
def test_resumed_in_a_stage_is_uninterrupted_bit_for_bit(
    stop: int, trainer: MakeTrainer, changed: Change, weights: Weights, train_until: TrainUntil
) -> None:
    settings = changed(batch={**STAGES, "short_sequences": ((0.25, 16),)}, model={"residual_dropout": 0.1})
    uninterrupted = trainer(settings, run="uninterrupted")
    uninterrupted.train()
    train_until(settings, stop)
    resumed = trainer(settings)
    resumed.train()
    assert logged(resumed) == logged(uninterrupted)
    assert all(torch.equal(value, weights(uninterrupted)[name]) for name, value in weights(resumed).items())


def test_a_checkpoint_of_other_batches_is_refused(trainer: MakeTrainer, changed: Change) -> None:
    trainer(changed(batch=STAGES)).train()
    with pytest.raises(ConfigurationError) as caught:
        trainer().train()
    assert str(caught.value).endswith(
        "update-000008 read 22 rows in 8 updates, and this configuration reads 32: its batches are others. Give the "
        "old batch section to go on, or choose another --run directory."
    )
