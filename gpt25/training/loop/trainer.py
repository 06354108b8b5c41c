"""The training loop: updates, validation, checkpoints, and stopping without losing anything."""

import contextlib
import math
from typing import Any

from gpt25.data import Batches, TokenShards
from gpt25.errors import DataError, GPT25Error, Interrupted, StorageError
from gpt25.model import GPTModel
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks, Stopwatch, choose_compilation, choose_device, choose_precision
from gpt25.tokenizer import Tokenizer
from gpt25.training.checkpoints.checkpoint import TrainingState
from gpt25.training.checkpoints.checkpoint_manager import CheckpointManager
from gpt25.training.checkpoints.keep_better_weights import keep_better_weights
from gpt25.training.configuration.speed_configuration import is_on
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.loop.accumulation import most_micro_batch_rows, smaller_micro_batches
from gpt25.training.loop.awaited_data import AwaitedData
from gpt25.training.loop.build_model import build_model
from gpt25.training.loop.failures import explaining_failures
from gpt25.training.loop.gradient_update import GradientUpdate
from gpt25.training.loop.hooks import TrainingHooks
from gpt25.training.loop.intervals import Intervals
from gpt25.training.loop.non_finite_updates import NonFiniteUpdates
from gpt25.training.loop.stop_signals import StopSignals
from gpt25.training.loop.update_cycle import UpdateCycle
from gpt25.training.loss.prepared_loss_module import prepared_loss_module
from gpt25.training.loss.validation_loss import ValidationLoss
from gpt25.training.sharding import full_model


class Trainer:
    """One run on one rank. Every rank makes the same one and calls `train`; the first rank alone writes files.

    The ranks must be connected already. Nothing is read from the environment and nothing printed: messages for
    the user go through the hooks.
    """

    def __init__(
        self,
        configuration: TrainingConfiguration,
        *,
        run: RunDirectory,
        train_shards: TokenShards,
        validation_shards: TokenShards,
        tokenizer: Tokenizer | None = None,
        ranks: Ranks | None = None,
        hooks: TrainingHooks | None = None,
        initial_model: GPTModel | None = None,
    ) -> None:
        """Build model, optimizers and data; raises ConfigurationError or DataError before any training.

        initial_model: start from these weights instead of from random ones (they are trained in place).
        """
        self.configuration = configuration
        self.run = run
        self.ranks = ranks or Ranks()
        self.hooks = hooks or TrainingHooks()
        self.tokenizer = tokenizer
        self.state = TrainingState()
        settings = configuration.loop
        self._intervals = Intervals(configuration)
        self.device = self.ranks.device_for(choose_device(settings.device))
        self.precision = choose_precision(self.device, settings.precision)
        self.micro_batch_rows = most_micro_batch_rows(configuration, self.ranks)
        self.model = build_model(initial_model, configuration).to(self.device).train()
        self.loss_module = prepared_loss_module(
            configuration, self.model, ranks=self.ranks, device=self.device, precision=self.precision
        )
        self.batches = Batches(train_shards, **configuration.window_order)
        self.gradient_update = GradientUpdate(
            configuration,
            model=self.model,
            loss_module=self.loss_module,
            batches=self.batches,
            ranks=self.ranks,
            device=self.device,
        )
        self.validation_loss = ValidationLoss(
            configuration,
            validation_shards,
            self.loss_module,
            ranks=self.ranks,
            device=self.device,
            micro_batch_rows=self.micro_batch_rows,
        )
        self._non_finite = NonFiniteUpdates(
            allowed_in_a_row=settings.non_finite_updates_allowed, checkpoints_path=run.checkpoints_path
        )
        self._cycle = UpdateCycle(
            self.gradient_update,
            self._non_finite,
            ranks=self.ranks,
            device=self.device,
            reads_late=is_on(configuration.speed.read_late, device_type=self.device.type),
            say=self._say,
        )
        self._awaited = AwaitedData(self.batches, configuration, self.ranks, self.device, self.hooks.on_missing_data)
        self._checkpoints = CheckpointManager(
            configuration,
            run=run,
            model=self.model,
            optimizers=self.gradient_update.optimizers,
            average=self.gradient_update.average,
            shards=train_shards,
            tokenizer=tokenizer,
            ranks=self.ranks,
            device=self.device,
            say=self._say,
            on_checkpoint=self.hooks.on_checkpoint,
        )

    def train(self, signals: StopSignals | None = None) -> TrainingState:
        """Train to the last update, going on from the newest intact checkpoint of the run; returns where it ended.

        signals: what hears of stop requests, already in force; None stops after the update, with everything saved.
        Raises Interrupted after a signal, once everything is saved; TrainingError when non-finite values or failing
        saves persist, or another rank is lost.
        """
        failures = explaining_failures(self.ranks, micro_batch_rows=self.micro_batch_rows)
        with contextlib.ExitStack() as stack, failures:
            signals = signals or stack.enter_context(StopSignals())
            self.state = self._checkpoints.resume()
            is_new = self._checkpoints.saved_update is None
            if self.ranks.is_first:
                self.run.truncate_after(-1 if is_new else self.state.update)
            stopwatch = Stopwatch(offset_seconds=self.state.elapsed_seconds)
            self.gradient_update.average_over_ranks()
            self._start_hooks()
            if is_new and self.configuration.loop.record_start:
                self._record_start(stopwatch)
            stop: int | None = None
            while self.state.update < self.configuration.loop.number_of_updates:
                stop = stop or self._await_data(signals)
                if stop is None or self._cycle.is_ahead:
                    stop = self._update(signals, stopwatch, may_go_ahead=stop is None) or stop
                if stop is not None and not self._cycle.is_ahead:
                    self._checkpoints.save(self.state, required=True)
                    raise Interrupted(stop, self._interruption_message(stop))
            self._checkpoints.save(self.state, required=True)
        return self.state

    def _await_data(self, signals: StopSignals) -> int | None:
        """Wait for what the next update reads; returns the signal on which all ranks agreed meanwhile, if any.

        What will not come ends the run as a signal does, with everything saved, and is raised then.
        """
        if self._cycle.is_ahead:
            return None
        try:
            return self._awaited.wait(self.state.update, signals)
        except DataError:
            self._checkpoints.save(self.state, required=True)
            raise

    def rehearse_update(self, update: int) -> None:
        """Do the work of an update, counted from 0, without recording it: for measuring how long it takes."""
        self._cycle.rehearse(update)

    def _update(self, signals: StopSignals, stopwatch: Stopwatch, *, may_go_ahead: bool) -> int | None:
        """Do one update and what falls due after it; returns the signal on which all ranks agreed to stop, if any."""
        update = self.state.update
        may_go_ahead = may_go_ahead and not self._intervals.is_anything_due(update + 1)
        may_go_ahead = may_go_ahead and not self._awaited.is_due(update + 1)
        metrics = self._cycle.run(update, signals, may_go_ahead=may_go_ahead)
        self.state.non_finite_updates += metrics.was_skipped
        self._count_update(metrics.loss)
        factor = self.gradient_update.learning_rate_factor(update)
        row = {
            "update": self.state.update,
            "tokens": self.state.tokens,
            "training_loss": metrics.loss,
            "learning_rate": self.configuration.optimizer.peak_learning_rate * factor,
            "gradient_norm": metrics.norm,
            "tokens_per_second": self.configuration.update_sizes.tokens(update) / metrics.seconds,
        }
        self._after_update(row, stopwatch)
        return metrics.stop_signal

    def _count_update(self, loss: float) -> None:
        sizes, update = self.configuration.update_sizes, self.state.update
        self.state.update += 1
        self.state.tokens += sizes.tokens(update)
        self.state.rows += sizes.rows(update)
        self.state.metrics = {"training_loss": loss if math.isfinite(loss) else None, "validation_loss": None}

    def _after_update(self, row: dict[str, Any], stopwatch: Stopwatch) -> None:
        """Validate, record, sample and save, as far as this update is due for it."""
        settings, update = self.configuration.loop, self.state.update
        if self._intervals.is_due(settings.validation_interval_in_updates, update):
            self._validate(row)
        row.update(self._metrics())
        if self._intervals.is_due(settings.samples_interval_in_updates, update):
            self._show_samples()
        self._record(row, stopwatch)
        if self.ranks.is_first:
            self.hooks.on_update(row)
        if self._intervals.is_checkpoint_due(update) and not self._non_finite.in_a_row:
            self._checkpoints.save(self.state)

    def _record_start(self, stopwatch: Stopwatch) -> None:
        """Validate, record, sample and save what training begins with, as update 0."""
        row: dict[str, Any] = {"update": 0, "tokens": 0}
        self.state.metrics = {"training_loss": None, "validation_loss": None}
        self._validate(row)
        row.update(self._metrics())
        self._say(f"before the first update the validation loss is {row['validation_loss']:.4f}")
        self._show_samples()
        self._record(row, stopwatch)
        if self.ranks.is_first:
            self.hooks.on_record_start(row)
        self._checkpoints.save(self.state)

    def _validate(self, row: dict[str, Any]) -> None:
        """Measure; after the last update the mean of the last weights too, where there is one, and keep the better."""
        metrics = {"validation_loss": self.validation_loss.measure()}
        if (average := self.gradient_update.average) is not None and self._intervals.is_last(self.state.update):
            loss, measure = metrics["validation_loss"], self.validation_loss.measure
            metrics = keep_better_weights(average, loss, measure=measure, say=self._say)
        row.update(metrics)
        row["validation_tokens"] = self.validation_loss.validation.number_of_tokens
        self.state.metrics |= {name: loss if math.isfinite(loss) else None for name, loss in metrics.items()}

    def _record(self, row: dict[str, Any], stopwatch: Stopwatch) -> None:
        """Append the row to metrics.jsonl; a full disk costs a row of the record, not the run."""
        self.state.elapsed_seconds = row["elapsed_seconds"] = stopwatch.elapsed_seconds
        if not self.ranks.is_first:
            return
        try:
            self.run.append_metrics(row)
        except StorageError as problem:
            self._say(f"update {row['update']} is missing in the record: {problem}")

    def _metrics(self) -> dict[str, float]:
        """What the hook measures; the model is unsharded wherever something can be due."""
        update = self.state.update
        model = full_model(self.model) if self._intervals.is_anything_due(update) else self.model
        return self.hooks.on_metrics(model, update)

    def _show_samples(self) -> None:
        """Let the hook write samples on the first rank; what it cannot write costs a sample, not the run."""
        model = full_model(self.model)
        if not self.ranks.is_first:
            return
        model.eval()
        try:
            self.hooks.on_samples(model, self.state.update, self.state.tokens)
        except GPT25Error as problem:
            self._say(f"no sample after update {self.state.update:,}: {problem}")
        self.model.train()

    def _start_hooks(self) -> None:
        if not self.ranks.is_first:
            return
        self.hooks.on_start(self.state.update, self.configuration.loop.number_of_updates)
        for remark in (smaller_micro_batches(self.configuration, self.ranks), self._why_uncompiled()):
            if remark is not None:
                self._say(remark)

    def _why_uncompiled(self) -> str | None:
        """What keeps a GPU from training compiled, which costs it a third of its speed or more; None elsewhere."""
        found = choose_compilation(self.device)
        if self.device.type != "cuda" or found.available or self.configuration.loop.compile != "auto":
            return None
        return f"training uncompiled, and so more slowly: {found.reason}"

    def _interruption_message(self, number: int) -> str:
        return (
            f"stopped by {Interrupted.signal_in_words(number)} after update {self.state.update:,}; saved in "
            f"{self.run.path}. The same command goes on from here."
        )

    def _say(self, message: str) -> None:
        if self.ranks.is_first:
            self.hooks.on_message(message)
