"""The whole loop of a recipe in a few small updates, so that nothing fails for the first time at hour three."""

import contextlib
import dataclasses
import itertools
import shutil
import statistics
from pathlib import Path
from typing import Any

from gpt25.counted import counted
from gpt25.errors import Interrupted, StorageError, TrainingError
from gpt25.recipes.planning.dry_run_size import (
    DryRunSize,
    Pace,
    dry_run_seconds,
    fitting_size,
    full_size,
    measured_pace,
)
from gpt25.recipes.pretrain import connected, train_run, with_chosen_micro_batch
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.run.resume_check import require_resumable
from gpt25.recipes.run.run_lock import run_lock
from gpt25.recipes.run.run_report import draw_run
from gpt25.recipes.run.run_setup import RunSetup, join_run, set_up_run
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks, choose_device
from gpt25.storage import discard, exists, require_writable_directory
from gpt25.training import StopAtOnce, StoppedAtOnce, TrainingConfiguration
from gpt25.training.checkpoints.checkpoint import most_checkpoints
from gpt25.training.optimizers.schedule import plateau_end_to_keep

_STOPPED = "the dry run was stopped; nothing is left of it"
_LARGEST_DIFFERENCE = 0.01  # of the loss of a resumed update: a GPU adds up in another order each time


@dataclasses.dataclass(frozen=True)
class DryRun:
    """What a dry run found."""

    updates: int
    """Updates that were done, apart from those that were repeated after the resume."""
    tokens_per_update: int
    """Tokens of each of them, or of the largest: as many as two micro-batches of every rank, at most the recipe's."""
    shortened: list[str]
    """What was less than in a dry run of a fast machine, in words."""
    training_losses: list[float]
    """Nats per token, one a update."""
    validation_loss: float
    """Nats per token on a few rows after the last update."""
    hellaswag_accuracy_norm: float | None
    """On a few items, where the recipe measures HellaSwag on the way."""
    resume_difference: float
    """Largest difference, relative to the loss, between the updates after the resume and the same before it."""
    tokens_per_second: float
    """Median of the updates but the first; smaller updates than the recipe's spend more of it on the optimizer."""
    whole_run_seconds: float
    """How long the recipe's updates would take at that speed, or at that of the row that was timed."""
    checkpoint_bytes: int
    """Size of one checkpoint."""
    needed_bytes: int
    """Disk that the run's checkpoints take at their most: those kept, the best one, a trapezoid's before its fall, and
    one being written."""


def dry_run(
    configuration: TrainingConfiguration, run_path: str | Path, *, reporter: Reporter, ranks: Ranks | None = None
) -> DryRun | None:
    """Do what `pretrain` would do, for a few small updates in a temporary run beside `run_path`, and resume once.

    Data, model, compilation, updates, validation, samples, checkpoints, a resume, pictures and the ranks' agreement
    are the recipe's own; only the number and the size of the updates and of the validation are not, which on a slow
    processor shrink until all of it should end in three minutes. `run_path` itself stays as it is, the temporary run is
    removed. A signal ends it at once. Returns None on all ranks but the first. Raises what `pretrain` does,
    TrainingError where the resumed updates are not those before, and StorageError where the disk has no room for the
    run's checkpoints.
    """
    ranks = ranks or Ranks()
    run = RunDirectory(Path(run_path).with_name(f".{Path(run_path).name}.dry-run"))
    made = [folder for folder in (run.path.parent, *run.path.parent.parents) if not exists(folder)]

    def clean_up() -> None:
        if ranks.is_first:
            discard(run.path)
            with contextlib.suppress(OSError):
                for folder in made:
                    folder.rmdir()

    def give_up() -> None:
        clean_up()
        reporter.note(_STOPPED)

    try:
        with StopAtOnce(give_up) as signals:
            if ranks.is_first:
                require_writable_directory(run.path.parent)
                discard(run.path)  # of a killed dry run: everything in it can be made again
            with run_lock(run, ranks):
                return _dry_run(run, RunDirectory(run_path), configuration, signals, reporter=reporter, ranks=ranks)
    except StoppedAtOnce as stop:
        raise Interrupted(stop.signal_number, _STOPPED) from None
    finally:
        clean_up()


def _dry_run(
    run: RunDirectory,
    real: RunDirectory,
    configuration: TrainingConfiguration,
    signals: StopAtOnce,
    *,
    reporter: Reporter,
    ranks: Ranks,
) -> DryRun | None:
    setup = set_up_run(run, configuration, reporter=reporter) if ranks.is_first else None
    if setup is not None:
        require_resumable(real, setup.configuration)
    with connected(ranks, configuration.loop):
        setup = with_chosen_micro_batch(run, setup or join_run(run), reporter=reporter, ranks=ranks)
        pace = _pace(run, setup, reporter=reporter, ranks=ranks)
        full = full_size(setup.configuration)
        size = full if pace is None else fitting_size(setup.configuration, pace)
        shortened = size.less_than(full, hellaswag=setup.configuration.hellaswag.interval_in_updates is not None)
        if pace is not None:
            _say_how_long(setup.configuration, size, pace, shortened, reporter)
        short = _shortened(setup, size, ranks)
        before, after = _train_and_resume(run, short, size, signals, reporter=reporter, ranks=ranks)
    if not ranks.is_first:
        return None
    draw_run(run, reporter)
    found = _findings(run, setup.configuration, before, after)
    if pace is not None and shortened:
        updates = setup.configuration.loop.number_of_updates
        rows = setup.configuration.total_tokens / setup.configuration.model.block_size / ranks.number_of_ranks
        seconds = updates * pace.step_seconds + rows * pace.row_seconds
        found = dataclasses.replace(found, shortened=shortened, whole_run_seconds=seconds)
    return found


def _pace(run: RunDirectory, setup: RunSetup, *, reporter: Reporter, ranks: Ranks) -> Pace | None:
    """How fast this machine is, as the first rank measures it; None on a GPU, where a dry run is quick anyway."""
    if choose_device(setup.configuration.loop.device).type == "cuda":
        return None
    pace = Pace(0.0, 0.0)
    if ranks.is_first:
        reporter.note("timing an update of one row")
        pace = measured_pace(
            setup.configuration, run=run, train_shards=setup.train_shards, validation_shards=setup.validation_shards
        )
    return Pace(*ranks.sum([pace.row_seconds, pace.step_seconds]))


def _say_how_long(
    configuration: TrainingConfiguration, size: DryRunSize, pace: Pace, shortened: list[str], reporter: Reporter
) -> None:
    """How long it will take, and what is left out so that it does not take longer."""
    seconds = dry_run_seconds(configuration, size, pace)
    reporter.say(
        f"a row of {configuration.model.block_size:,} tokens takes {pace.row_seconds:.2g} s here and an update's step "
        f"{pace.step_seconds:.2g} s: the dry run will take about {_duration(seconds)}"
    )
    if shortened:
        reporter.say(
            f"so that it does not take {_duration(dry_run_seconds(configuration, full_size(configuration), pace))}, it "
            f"has {'; '.join(shortened)}. What the full micro-batch needs of memory is not tried"
        )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else counted(round(seconds / 60), "minutes")


def _shortened(setup: RunSetup, size: DryRunSize, ranks: Ranks) -> RunSetup:
    """The same with few and small updates; on a fast machine the micro-batch, on which memory depends, stays."""
    full, updates = setup.configuration, size.updates
    block_size = full.model.block_size
    rows = size.micro_batch_rows * ranks.number_of_ranks * size.micro_batches
    validation_rows = size.validation_rows * ranks.number_of_ranks
    batch = full.batch.at_most(rows * block_size)
    short = dataclasses.replace(
        full,
        data=dataclasses.replace(
            full.data, validation_tokens=min(full.data.validation_tokens, validation_rows * block_size)
        ),
        batch=dataclasses.replace(batch, micro_batch_rows=size.micro_batch_rows),
        schedule=dataclasses.replace(full.schedule, warm_up_updates=min(full.schedule.warm_up_updates, updates // 2)),
        loop=dataclasses.replace(
            full.loop,
            number_of_updates=updates,
            number_of_epochs=None,
            validation_interval_in_updates=updates // 2,
            samples_interval_in_updates=updates,
            checkpoint_interval_in_updates=updates // 2,
            checkpoints_to_keep=2,
            # From the second update on, so that an average, too, is saved and resumed.
            average_last_fraction=full.loop.average_last_fraction and 1 - 1 / updates,
        ),
        hellaswag=dataclasses.replace(
            full.hellaswag,
            interval_in_updates=full.hellaswag.interval_in_updates and updates // 2,
            limit=min(size.hellaswag_items, full.hellaswag.limit or size.hellaswag_items),
        ),
    )
    return dataclasses.replace(setup, configuration=short)


def _train_and_resume(
    run: RunDirectory, setup: RunSetup, size: DryRunSize, signals: StopAtOnce, *, reporter: Reporter, ranks: Ranks
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Train to the end, remove the last checkpoint, resume from the one before; the first rank's rows of both."""
    train_run(run, setup, reporter=reporter, ranks=ranks, signals=signals)
    before = run.metrics() if ranks.is_first else []
    if ranks.is_first:
        _require_finite(before)
        discard(run.checkpoint_path(size.updates))
    ranks.barrier()
    reporter.say("taking the last checkpoint away and going on from the one before it")
    train_run(run, dataclasses.replace(setup, initial_model=None), reporter=reporter, ranks=ranks, signals=signals)
    return before, run.metrics() if ranks.is_first else []


def _findings(
    run: RunDirectory, full: TrainingConfiguration, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> DryRun:
    """Compare the rows, measure the checkpoint, and see that the disk can hold the run's."""
    _require_finite(after)
    before_resume, after_resume = ([row for row in rows if row["update"] > 0] for rows in (before, after))
    difference = max(
        abs(old["training_loss"] - new["training_loss"]) / abs(old["training_loss"])
        for old, new in zip(before_resume, after_resume, strict=True)
    )
    if difference > _LARGEST_DIFFERENCE:
        raise TrainingError(
            f"the updates after the resume are not those before: their losses differ by up to {difference:.1%}, and "
            f"rounding by at most {_LARGEST_DIFFERENCE:.0%}. What is resumed here cannot be trusted; please report it "
            "with the recipe and the output of gpt25 doctor."
        )
    size = max(sum(path.stat().st_size for path in each.path.iterdir()) for each in run.checkpoints())
    needed = size * most_checkpoints(full)
    free = shutil.disk_usage(run.path).free
    if free < needed:
        fall = "" if plateau_end_to_keep(full) is None else "the one before the fall, "
        raise StorageError(
            f"a checkpoint takes {size / 1e9:.2f} GB and all of the run together up to {needed / 1e9:.2f} GB "
            f"({full.loop.checkpoints_to_keep} newest, the best, {fall}and one being written), but only "
            f"{free / 1e9:.2f} GB are free in {run.path.parent}. Free some, lower loop.checkpoints_to_keep, or "
            "choose another --run directory."
        )
    rate = statistics.median(row["tokens_per_second"] for row in before_resume[1:])
    return DryRun(
        updates=len(before_resume),
        tokens_per_update=max(b - a for a, b in itertools.pairwise([0, *(row["tokens"] for row in before_resume)])),
        shortened=[],
        training_losses=[row["training_loss"] for row in before_resume],
        validation_loss=before_resume[-1]["validation_loss"],
        hellaswag_accuracy_norm=before_resume[-1].get("hellaswag_accuracy_norm"),
        resume_difference=difference,
        tokens_per_second=rate,
        whole_run_seconds=full.total_tokens / rate,
        checkpoint_bytes=size,
        needed_bytes=needed,
    )


def _require_finite(rows: list[dict[str, Any]]) -> None:
    """Raise TrainingError where an update was skipped for a NaN or an infinity."""
    for row in rows:
        if row["update"] and (row["training_loss"] is None or row["gradient_norm"] is None):
            raise TrainingError(
                f"update {row['update']} of the dry run had a loss or gradient that is not finite. Look at the data, "
                "lower the learning rate, or try --loop.precision float32."
            )
