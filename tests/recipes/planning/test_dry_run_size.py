"""What a dry run leaves out where a row takes long."""

import dataclasses

import pytest

from gpt25.data import PreparedData, open_shards
from gpt25.model import GPTConfiguration
from gpt25.recipes import load_recipe
from gpt25.recipes.planning.dry_run_size import (
    LONGEST_SECONDS,
    DryRunSize,
    Pace,
    dry_run_seconds,
    fitting_size,
    full_size,
    measured_pace,
)
from gpt25.records import RunDirectory
from gpt25.training import BatchConfiguration, LoopConfiguration, TrainingConfiguration

BASELINE = load_recipe("gpt2_124m_adamw")  # micro-batches of 16 rows
SAVED_AND_SAMPLED = 4 * 12 * 124_439_808 / 300e6 + 2 * 96 * 4 * 124_439_808 / 10e9


def test_a_fast_machine_does_all_of_it() -> None:
    full = full_size(BASELINE)
    assert fitting_size(BASELINE, Pace(0.01, 0.1)) == full == DryRunSize(16)
    # Six updates of two micro-batches, three validations of 16 rows that cost a third.
    expected = 6 * (0.1 + 32 * 0.01) + 3 * 16 * 0.01 / 3
    assert dry_run_seconds(BASELINE, full, Pace(0.01, 0.1)) == pytest.approx(expected + SAVED_AND_SAMPLED)


@pytest.mark.parametrize(
    ("row_seconds", "size"),
    [
        (0.8, DryRunSize(8, validation_rows=8, hellaswag_items=8)),
        (7.0, DryRunSize(1, validation_rows=1, hellaswag_items=2)),
        (12.0, DryRunSize(1, 1, validation_rows=1, hellaswag_items=2)),
        (20.0, DryRunSize(1, 1, 2, validation_rows=1, hellaswag_items=2)),
        (200.0, DryRunSize(1, 1, 2, validation_rows=1, hellaswag_items=2)),
    ],
)
def test_a_slow_one_does_what_three_minutes_have_room_for(row_seconds: float, size: DryRunSize) -> None:
    pace = Pace(row_seconds, 3.0)
    assert fitting_size(BASELINE, pace) == size
    assert (dry_run_seconds(BASELINE, size, pace) <= LONGEST_SECONDS) == (row_seconds < 100)
    assert dry_run_seconds(BASELINE, full_size(BASELINE), pace) > LONGEST_SECONDS


def test_what_is_less_is_named() -> None:
    full = DryRunSize(16)
    assert full.less_than(full, hellaswag=True) == []
    small = DryRunSize(1, 1, 2, validation_rows=1, hellaswag_items=2)
    assert small.less_than(full, hellaswag=True) == [
        "rows in a micro-batch: 1 instead of 16",
        "micro-batches in an update: 1 instead of 2",
        "updates: 2 instead of 4",
        "rows of validation: 1 instead of 16",
        "items of HellaSwag: 2 instead of 16",
    ]
    assert len(small.less_than(full, hellaswag=False)) == 4


def test_scores_and_averages_take_their_time() -> None:
    pace, size = Pace(1.0, 1.0), full_size(BASELINE)
    plain = dry_run_seconds(BASELINE, size, pace)
    scored = dataclasses.replace(BASELINE, hellaswag=dataclasses.replace(BASELINE.hellaswag, interval_in_updates=100))
    assert dry_run_seconds(scored, size, pace) == pytest.approx(plain + 3 * 16 * 400 / 1024 * 2 / 3)
    averaged = dataclasses.replace(BASELINE, loop=dataclasses.replace(BASELINE.loop, average_last_fraction=0.1))
    copies = 4 * 4 * 124_439_808 / 300e6
    assert dry_run_seconds(averaged, size, pace) == pytest.approx(plain + 2 * 16 / 3 + copies)


def test_a_row_and_a_step_are_timed(data: PreparedData) -> None:
    shape = GPTConfiguration(
        block_size=32, vocabulary_size=320, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=32
    )
    tiny = TrainingConfiguration(
        model=shape,
        batch=BatchConfiguration(tokens_per_update=1024, micro_batch_rows=16, short_sequences=((0.5, 16),)),
        loop=LoopConfiguration(number_of_updates=1000, device="cpu", precision="float32"),
    )
    shards = {f"{split}_shards": open_shards(data.directory, split) for split in ("train", "validation")}
    run = RunDirectory(data.directory / "never-written")
    ticks = iter([0.0, 5.0, 8.0, 10.0, 12.0, 19.0])
    pace = measured_pace(tiny, run=run, clock=lambda: next(ticks), **shards)
    assert pace == Pace(2.0, 3.0)  # the quicker of two, of each part
    ticks = iter([0.0, 0.1, 0.2])
    assert measured_pace(tiny, run=run, clock=lambda: next(ticks), **shards) == Pace(0.1, pytest.approx(0.1))
    assert not run.path.exists()
