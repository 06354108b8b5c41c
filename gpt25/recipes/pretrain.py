"""Train by a configuration: data, trainer, samples, pictures, in one run directory."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from gpt25.model import Accounting
from gpt25.recipes.hooks.background_tracker import BackgroundTracker
from gpt25.recipes.hooks.hellaswag_hook import hellaswag_hook
from gpt25.recipes.hooks.loss_track import LossTrack
from gpt25.recipes.hooks.sampling_hook import sampling_hook
from gpt25.recipes.hooks.trackers import open_trackers
from gpt25.recipes.planning.micro_batch import choose_rows, with_rows
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.run.environment import previous_micro_batch_rows, record_environment
from gpt25.recipes.run.run_lock import run_lock
from gpt25.recipes.run.run_progress import RunProgress
from gpt25.recipes.run.run_report import begin_summary, draw_run, end_summary
from gpt25.recipes.run.run_setup import RunSetup, join_run, set_up_run
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks, choose_device, choose_precision, use_fast_allocator
from gpt25.training import LoopConfiguration, StopSignals, Trainer, TrainingConfiguration, TrainingHooks, TrainingState
from gpt25.training.loop.accumulation import most_micro_batch_rows


def pretrain(
    configuration: TrainingConfiguration, run_path: str | Path, *, reporter: Reporter, ranks: Ranks | None = None
) -> RunDirectory:
    """Train from scratch, from an initial model, or resume the run in `run_path`; leave loss.png and report.html there.

    Raises ConfigurationError where the run started with another configuration, StorageError where another process
    holds it, DataError, StorageError and TrainingError as their floors do, Interrupted after a signal once everything
    is saved. Pictures that cannot be drawn are a note, not an error.
    """
    ranks = ranks or Ranks()
    run = RunDirectory(run_path)
    with run_lock(run, ranks):
        # The first rank alone makes what is missing; the others meet it when that is done, and read what it wrote.
        setup = set_up_run(run, configuration, reporter=reporter) if ranks.is_first else None
        try:
            with connected(ranks, configuration.loop):
                setup = setup or join_run(run)
                state = train_run(run, setup, reporter=reporter, ranks=ranks)
            if ranks.is_first:
                end_summary(run, state, Accounting(setup.configuration.model))
        finally:
            if ranks.is_first:
                draw_run(run, reporter)
    return run


@contextmanager
def connected(ranks: Ranks, settings: LoopConfiguration) -> Iterator[None]:
    """The process group of all ranks exists while the block runs."""
    ranks.connect(choose_device(settings.device), timeout_seconds=settings.timeout_seconds)
    try:
        yield
    finally:
        ranks.disconnect()


class Arrival(Protocol):
    """Shards that arrive while the model trains."""

    def tell(self) -> None:
        """Say how far it is, where there is something new; called after every update."""

    def why_missing(self, paths: Sequence[Path]) -> str | None:
        """Why shards that the next update reads will not come; None while they may."""


def train_run(
    run: RunDirectory,
    setup: RunSetup,
    *,
    reporter: Reporter,
    ranks: Ranks,
    signals: StopSignals | None = None,
    arrival: Arrival | None = None,
) -> TrainingState:
    """What `pretrain` does when everything is there and the ranks are connected, until its pictures are drawn.

    signals: as `Trainer.train` has them. arrival: what brings shards that are not there yet, on the first rank.
    """
    use_fast_allocator()
    setup = with_chosen_micro_batch(run, setup, reporter=reporter, ranks=ranks)
    if ranks.is_first:
        record_environment(run, ranks, micro_batch_rows=most_micro_batch_rows(setup.configuration, ranks))
        begin_summary(run, Accounting(setup.configuration.model))
    with ExitStack() as stack:
        trainer = Trainer(
            setup.configuration,
            run=run,
            train_shards=setup.train_shards,
            validation_shards=setup.validation_shards,
            tokenizer=setup.tokenizer,
            ranks=ranks,
            hooks=_hooks(setup, run, reporter, stack, ranks, arrival),
            initial_model=setup.initial_model,
        )
        return trainer.train(signals)


def with_chosen_micro_batch(run: RunDirectory, setup: RunSetup, *, reporter: Reporter, ranks: Ranks) -> RunSetup:
    """The setup with a number of rows where the recipe, and so run.toml, says auto; what was chosen is said."""
    if setup.configuration.batch.micro_batch_rows != "auto":
        return setup
    before = (previous_micro_batch_rows(run) or 0) if ranks.is_first else 0
    previous = int(ranks.sum([float(before)])[0]) or None  # the first rank's, on every rank
    chosen = choose_rows(setup.configuration, ranks, previous=previous)
    if chosen is None:
        return setup
    if ranks.is_first:
        reporter.note(chosen.reason)
    return dataclasses.replace(setup, configuration=with_rows(setup.configuration, chosen.rows))


def _hooks(
    setup: RunSetup, run: RunDirectory, reporter: Reporter, stack: ExitStack, ranks: Ranks, arrival: Arrival | None
) -> TrainingHooks:
    """What the reporter shows while the model trains: a progress bar, samples, scores, notes."""
    configuration, tokenizer = setup.configuration, setup.tokenizer
    progress: list[RunProgress] = []
    trackers: list[BackgroundTracker] = []
    track = LossTrack(configuration)

    def on_start(done: int, total: int) -> None:
        device = choose_device(configuration.loop.device)
        precision = choose_precision(device, configuration.loop.precision)
        if done:
            reporter.say(f"going on after update {done:,} of {total:,}")
        trackers.extend(open_trackers(configuration.track, run, updates_done=done, note=reporter.note))
        for each in trackers:
            stack.callback(each.close)
        reporter.note(f"training on {device} in {precision.name}: {precision.reason}")
        progress.append(stack.enter_context(RunProgress(configuration, reporter, updates_done=done)))

    def on_record_start(row: dict[str, Any]) -> None:
        for each in trackers:
            each.write(row)

    def on_update(row: dict[str, Any]) -> None:
        fields = {"loss": row["training_loss"], "tokens_per_second": row["tokens_per_second"]}
        if "validation_loss" in row:
            fields["validation_loss"] = row["validation_loss"]
        if "hellaswag_accuracy_norm" in row:
            reporter.note(
                f"after update {row['update']:,} HellaSwag stands at {row['hellaswag_accuracy_norm']:.4f} (acc_norm, "
                f"{row['hellaswag_items']:,} items)"
            )
        progress[0].advance(row["update"], **fields)
        for each in trackers:
            each.write(row)
        if (warning := track.observe(row)) is not None:
            reporter.note(warning)
        if arrival is not None:
            arrival.tell()

    hooks = TrainingHooks(
        on_start=on_start,
        on_record_start=on_record_start,
        on_update=on_update,
        on_metrics=hellaswag_hook(configuration, setup.hellaswag, tokenizer, ranks),
        on_samples=sampling_hook(configuration, run, tokenizer, reporter),
        on_message=reporter.note,
    )
    return hooks if arrival is None else dataclasses.replace(hooks, on_missing_data=arrival.why_missing)
