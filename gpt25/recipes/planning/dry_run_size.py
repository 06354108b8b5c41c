"""How much of everything a dry run does, so that it ends in some three minutes on a slow machine too."""

import dataclasses
import time
from collections.abc import Callable, Iterator

from gpt25.data import TokenShards
from gpt25.model import Accounting
from gpt25.recipes.hooks.sampling_hook import SAMPLE_TOKENS
from gpt25.recipes.planning.costs import FORWARD_SHARE, TOKENS_A_CHOICE, UNCOMPILED_SLOWDOWN, checkpoint_bytes
from gpt25.records import RunDirectory
from gpt25.training import Trainer, TrainingConfiguration

LONGEST_SECONDS = 180.0
_UPDATES = 4
_MICRO_BATCHES = 2  # of every rank, so that gradients are accumulated too
_VALIDATION_ROWS = 16  # of every rank
_HELLASWAG_ITEMS = 16
_CHOICES = 4
# Of a processor: weights that are read once for every token of a sample, and checkpoints that are hashed and written.
_MEMORY_BYTES_PER_SECOND = 10e9
_CHECKPOINT_BYTES_PER_SECOND = 300e6


@dataclasses.dataclass(frozen=True)
class Pace:
    """How long the two parts of an update take here."""

    row_seconds: float
    """Forward and backward pass of one row of block_size tokens."""
    step_seconds: float
    """The optimizers' step."""


@dataclasses.dataclass(frozen=True)
class DryRunSize:
    """What a dry run does of everything."""

    micro_batch_rows: int
    micro_batches: int = _MICRO_BATCHES
    """Of every rank, in an update of full size."""
    updates: int = _UPDATES
    """An even number: the second half is done again after the resume."""
    validation_rows: int = _VALIDATION_ROWS
    """Of every rank, at most."""
    hellaswag_items: int = _HELLASWAG_ITEMS
    """At most."""

    def less_than(self, full: "DryRunSize", *, hellaswag: bool) -> list[str]:
        """What is less than in a full dry run, in words."""
        pairs = [
            ("rows in a micro-batch", self.micro_batch_rows, full.micro_batch_rows),
            ("micro-batches in an update", self.micro_batches, full.micro_batches),
            ("updates", self.updates, full.updates),
            ("rows of validation", self.validation_rows, full.validation_rows),
            *([("items of HellaSwag", self.hellaswag_items, full.hellaswag_items)] if hellaswag else []),
        ]
        return [f"{name}: {now:,} instead of {then:,}" for name, now, then in pairs if now < then]


def measured_pace(
    configuration: TrainingConfiguration,
    *,
    run: RunDirectory,
    train_shards: TokenShards,
    validation_shards: TokenShards,
    clock: Callable[[], float] = time.perf_counter,
) -> Pace:
    """Time an update of one row, uncompiled, on this rank alone; a throw-away model is trained, nothing is written.

    The first one fills the caches; where it already promises a quick dry run, it is not repeated.
    """
    trainer = Trainer(
        _of_one_row(configuration), run=run, train_shards=train_shards, validation_shards=validation_shards
    )
    update, pace = trainer.gradient_update, Pace(0.0, 0.0)
    last = configuration.loop.number_of_updates - 1  # with sequences of full length
    for repetition in range(2):
        start = clock()
        norm = float(update.accumulate(last)[1])
        halfway = clock()
        update.apply(last, norm)
        update.end(last)
        again = Pace(halfway - start, clock() - halfway)
        if repetition:
            again = Pace(min(pace.row_seconds, again.row_seconds), min(pace.step_seconds, again.step_seconds))
        pace = again
        if dry_run_seconds(configuration, full_size(configuration), pace) <= LONGEST_SECONDS:
            break
    return pace


def _of_one_row(configuration: TrainingConfiguration) -> TrainingConfiguration:
    batch = dataclasses.replace(
        configuration.batch,
        tokens_per_update=configuration.model.block_size,
        micro_batch_rows=1,
        smaller_updates=(),
    )
    loop = dataclasses.replace(configuration.loop, compile=False, shard_parameters=False, average_last_fraction=0.0)
    return dataclasses.replace(configuration, batch=batch, loop=loop)


def full_size(configuration: TrainingConfiguration) -> DryRunSize:
    """The micro-batch of the recipe, on which memory depends, and few of everything else."""
    rows = configuration.batch.rows_unless_chosen
    return DryRunSize(rows, validation_rows=max(_VALIDATION_ROWS, rows))


def fitting_size(configuration: TrainingConfiguration, pace: Pace, *, seconds: float = LONGEST_SECONDS) -> DryRunSize:
    """The largest size that takes at most so long at that pace; the smallest there is where none does."""
    sizes = list(_sizes(full_size(configuration)))
    return next((size for size in sizes if dry_run_seconds(configuration, size, pace) <= seconds), sizes[-1])


def _sizes(full: DryRunSize) -> Iterator[DryRunSize]:
    """From the full one down: half the rows each time, then one micro-batch, then two updates."""
    yield full
    rows = full.micro_batch_rows
    while rows > 1:
        rows //= 2
        few = min(rows, _VALIDATION_ROWS)
        yield DryRunSize(rows, validation_rows=few, hellaswag_items=max(2, few))
    smallest = DryRunSize(1, micro_batches=1, validation_rows=1, hellaswag_items=2)
    yield smallest
    yield dataclasses.replace(smallest, updates=2)


def dry_run_seconds(configuration: TrainingConfiguration, size: DryRunSize, pace: Pace) -> float:
    """How long a dry run of that size takes at that pace: half of its updates twice, and three validations."""
    loop, hellaswag = configuration.loop, configuration.hellaswag
    most = max(configuration.update_sizes.all_rows)
    rows = min(size.micro_batches * size.micro_batch_rows, most)
    updates = size.updates * 3 / 2 * (pace.step_seconds + rows * pace.row_seconds)
    forward = pace.row_seconds * FORWARD_SHARE
    validations = 3 * size.validation_rows * forward
    validations += size.validation_rows * forward * 2 if loop.average_last_fraction else 0.0
    if hellaswag.interval_in_updates is not None:
        rows_scored = size.hellaswag_items * _CHOICES * TOKENS_A_CHOICE / configuration.model.block_size
        validations += 3 * rows_scored * forward * UNCOMPILED_SLOWDOWN
    weights = Accounting(configuration.model).weight_bytes()
    samples = 2 * SAMPLE_TOKENS * weights / _MEMORY_BYTES_PER_SECOND
    checkpoints = 4 * checkpoint_bytes(configuration) / _CHECKPOINT_BYTES_PER_SECOND
    return updates + validations + samples + checkpoints
