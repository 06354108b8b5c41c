"""The training loop: updates, validation, checkpoints, and stopping without losing anything."""

import math
import time
from typing import Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from gpt25.data import Batches, TokenShards, Validation
from gpt25.errors import ConfigurationError, GPT25Error, Interrupted, StorageError, TrainingError
from gpt25.model import GPTModel
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks, Stopwatch, choose_device, choose_precision, derive_seed, generator_for
from gpt25.tokenizer import Tokenizer
from gpt25.training.accumulation import accumulate_gradients, fitting_micro_batch_rows
from gpt25.training.checkpoint import TrainingState
from gpt25.training.checkpoint_keeper import CheckpointKeeper
from gpt25.training.configuration import TrainingConfiguration
from gpt25.training.failures import explaining_failures
from gpt25.training.hooks import TrainingHooks
from gpt25.training.loss_module import LossModule
from gpt25.training.optimizers import Optimizers
from gpt25.training.schedule import learning_rate_factor
from gpt25.training.stop_signals import StopSignals

_VALIDATION_TOKENS_AT_ONCE = 8192
_STOPPING = (2, 15)  # SIGINT, SIGTERM: what StopSignals reports


class Trainer:
    """One run on one rank. Every rank makes the same one and calls `train`; the first rank alone writes files.

    The ranks must be connected already. Nothing is read from the environment and nothing printed: what people should
    see goes through the hooks.
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
        self.device = self.ranks.device_for(choose_device(settings.device))
        self.precision = choose_precision(self.device, settings.precision)
        self.micro_batch_rows = fitting_micro_batch_rows(configuration, self.ranks)
        self.model = _fitting_model(initial_model, configuration).to(self.device).train()
        self.optimizers = Optimizers(self.model, configuration.optimizer)
        self.loss_module = LossModule(self.model, precision=self.precision, compile=settings.compile)
        shape = configuration.model
        self.batches = Batches(
            train_shards, block_size=shape.block_size, seed=settings.seed, vocabulary_size=shape.vocabulary_size
        )
        available = (validation_shards.number_of_tokens - 1) // shape.block_size * shape.block_size
        self.validation = Validation(
            validation_shards,
            shape.block_size,
            min(configuration.data.validation_tokens, available) or None,
            vocabulary_size=shape.vocabulary_size,
            selection=configuration.data.validation_selection,
        )
        self._non_finite_in_a_row = 0
        self._checkpoints = CheckpointKeeper(
            configuration,
            run=run,
            model=self.model,
            optimizers=self.optimizers,
            shards=train_shards,
            tokenizer=tokenizer,
            ranks=self.ranks,
            device=self.device,
            say=self._say,
            on_checkpoint=self.hooks.on_checkpoint,
        )

    def train(self) -> TrainingState:
        """Train to the last update, going on from the newest intact checkpoint of the run; returns where it ended.

        Raises Interrupted after a signal, once everything is saved; TrainingError when non-finite values or failing
        saves persist, or another rank is lost.
        """
        failures = explaining_failures(self.ranks, micro_batch_rows=self.micro_batch_rows)
        with StopSignals() as signals, failures:
            self.state = self._checkpoints.resume()
            is_new = self._checkpoints.saved_update is None
            if self.ranks.is_first:
                self.run.cut_after(-1 if is_new else self.state.update)
            stopwatch = Stopwatch(offset_seconds=self.state.elapsed_seconds)
            reducing = self._reducing_module()
            self._start_hooks()
            if is_new and self.configuration.loop.record_start:
                self._record_start(stopwatch)
            while self.state.update < self.configuration.loop.number_of_updates:
                stop = self._update(reducing, signals, stopwatch)
                if stop is not None:
                    self._checkpoints.save(self.state, required=True)
                    raise Interrupted(stop, self._interruption_message(stop))
            self._checkpoints.save(self.state, required=True)
        return self.state

    def rehearse_update(self, update: int) -> None:
        """Do the work of an update, counted from 0, without recording it: for measuring how long it takes."""
        self.state.update = update
        _, norm = self._accumulate_gradients(self.loss_module)
        self._step(norm, self._learning_rate_factor())
        self.optimizers.zero_gradients()

    # One update.

    def _update(self, reducing: torch.nn.Module, signals: StopSignals, stopwatch: Stopwatch) -> int | None:
        """Do one update and what falls due after it; returns the signal on which all ranks agreed to stop, if any."""
        begin = time.perf_counter()
        local_loss, norm = self._accumulate_gradients(reducing)
        # One exchange tells every rank the loss, and who heard which signal. A gradient that is not finite on one
        # rank has already become so on all, when the gradients were averaged.
        asked = [float(signals.received == number) for number in _STOPPING]
        total, *heard = self.ranks.sum([local_loss, *asked], device=self.device)
        loss = total / self.ranks.number_of_ranks
        factor = self._learning_rate_factor()
        if math.isfinite(loss) and math.isfinite(norm):
            self._non_finite_in_a_row = 0
            self._step(norm, factor)
        else:
            self._skip(loss, norm)
        self.optimizers.zero_gradients()
        seconds = time.perf_counter() - begin
        self._count_update(loss)
        row = {
            "update": self.state.update,
            "tokens": self.state.tokens,
            "training_loss": loss,
            "learning_rate": self.configuration.optimizer.peak_learning_rate * factor,
            "gradient_norm": norm,
            "tokens_per_second": self.configuration.batch.tokens_per_update / seconds,
        }
        self._after_update(row, stopwatch)
        return next((number for number, count in zip(_STOPPING, heard, strict=True) if count), None)

    def _accumulate_gradients(self, reducing: torch.nn.Module) -> tuple[float, float]:
        """Forward and backward over this rank's micro-batches; returns its mean loss in nats and the gradient norm."""
        update, settings = self.state.update, self.configuration
        torch.manual_seed(derive_seed(settings.loop.seed, "dropout", update, self.ranks.rank))
        micro_batches = self.batches.for_update(
            update,
            rows_per_update=settings.rows_per_update,
            micro_batch_rows=self.micro_batch_rows,
            rank=self.ranks.rank,
            number_of_ranks=self.ranks.number_of_ranks,
        )
        loss = accumulate_gradients(
            reducing, list(micro_batches), sequence_length=settings.sequence_length(update), device=self.device
        )
        return loss, float(torch.nn.utils.get_total_norm(self._gradients()))

    def _step(self, norm: float, factor: float) -> None:
        """Clip the gradients and move the weights."""
        limit = self.configuration.optimizer.clip_gradient_norm
        if limit is not None and norm > limit:
            torch._foreach_mul_(self._gradients(), limit / norm)
        progress = self.state.update / self.configuration.loop.number_of_updates
        self.optimizers.step(learning_rate_factor=factor, progress=progress)

    def _skip(self, loss: float, norm: float) -> None:
        """Leave the weights as they are after a NaN or an infinity; stop when that goes on."""
        self._non_finite_in_a_row += 1
        self.state.non_finite_updates += 1
        update, allowed = self.state.update + 1, self.configuration.loop.non_finite_updates_allowed
        what = f"update {update}: loss {loss}, gradient norm {norm}"
        if self._non_finite_in_a_row > allowed:
            raise TrainingError(
                f"{what}; {self._non_finite_in_a_row} updates in a row were not finite, {allowed} are allowed. "
                f"The last good checkpoint is untouched in {self.run.checkpoints_path}. Look at the data, or train "
                "with a lower learning rate in another --run directory."
            )
        self._say(f"{what}; all ranks skip this update ({self._non_finite_in_a_row} in a row, {allowed} allowed)")

    def _count_update(self, loss: float) -> None:
        self.state.update += 1
        self.state.tokens += self.configuration.batch.tokens_per_update
        self.state.rows += self.configuration.rows_per_update
        self.state.metrics = {"training_loss": loss if math.isfinite(loss) else None, "validation_loss": None}

    def _after_update(self, row: dict[str, Any], stopwatch: Stopwatch) -> None:
        """Validate, record, sample and save, as far as this update is due for it."""
        settings, update = self.configuration.loop, self.state.update
        if self._is_due(settings.validation_interval_in_updates):
            self._validate(row)
        if self.ranks.is_first and self._is_due(settings.samples_interval_in_updates):
            self._show_samples()
        self._record(row, stopwatch)
        if self.ranks.is_first:
            self.hooks.on_update(row)
        if update % settings.checkpoint_interval_in_updates == 0 and not self._non_finite_in_a_row:
            self._checkpoints.save(self.state)

    def _record_start(self, stopwatch: Stopwatch) -> None:
        """Validate, record, sample and save what training begins with, as update 0."""
        row: dict[str, Any] = {"update": 0, "tokens": 0}
        self.state.metrics = {"training_loss": None, "validation_loss": None}
        self._validate(row)
        self._say(f"before the first update the validation loss is {row['validation_loss']:.4f}")
        if self.ranks.is_first:
            self._show_samples()
        self._record(row, stopwatch)
        self._checkpoints.save(self.state)

    def _validate(self, row: dict[str, Any]) -> None:
        row["validation_loss"] = loss = self.validation_loss()
        self.state.metrics["validation_loss"] = loss if math.isfinite(loss) else None

    def _record(self, row: dict[str, Any], stopwatch: Stopwatch) -> None:
        """Append the row to metrics.jsonl; a full disk costs a row of the record, not the run."""
        self.state.elapsed_seconds = row["elapsed_seconds"] = stopwatch.elapsed_seconds
        if not self.ranks.is_first:
            return
        try:
            self.run.append_metrics(row)
        except StorageError as problem:
            self._say(f"update {row['update']} is missing in the record: {problem}")

    def _show_samples(self) -> None:
        """Let the hook write samples; what it cannot write costs a sample, not the run."""
        self.model.eval()
        try:
            self.hooks.on_samples(self.model, self.state.update, self.state.tokens)
        except GPT25Error as problem:
            self._say(f"no sample after update {self.state.update:,}: {problem}")
        self.model.train()

    def _is_due(self, interval: int) -> bool:
        update = self.state.update
        return update % interval == 0 or update == self.configuration.loop.number_of_updates

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Mean nats per token over the fixed validation tokens, shared out over the ranks."""
        self.model.eval()
        total = torch.zeros((), dtype=torch.float64)
        # Without a backward pass, more rows fit than in training; a handful of short ones would waste the processor.
        rows = max(self.micro_batch_rows, _VALIDATION_TOKENS_AT_ONCE // self.configuration.model.block_size)
        for indices, labels in self.validation.micro_batches(rows, self.ranks.rank, self.ranks.number_of_ranks):
            loss = self.loss_module(indices.to(self.device), labels.to(self.device))
            total += loss.cpu().double() * labels.numel()
        self.model.train()
        return self.ranks.sum([float(total)], device=self.device)[0] / self.validation.number_of_tokens

    # Starting and stopping.

    def _reducing_module(self) -> torch.nn.Module:
        """The loss module, wrapped where several ranks average their gradients while the backward pass still runs."""
        if self.ranks.is_alone:
            return self.loss_module
        return DistributedDataParallel(self.loss_module, gradient_as_bucket_view=True)

    def _start_hooks(self) -> None:
        if not self.ranks.is_first:
            return
        self.hooks.on_start(self.state.update, self.configuration.loop.number_of_updates)
        share = self.configuration.rows_per_update // self.ranks.number_of_ranks
        wanted = min(self.configuration.batch.micro_batch_rows, share)
        if self.micro_batch_rows < wanted:
            self._say(
                f"micro-batches have {self.micro_batch_rows} rows instead of {wanted}: the most that divide the "
                f"{share} rows of an update"
            )

    def _interruption_message(self, number: int) -> str:
        return (
            f"stopped by signal {number} after update {self.state.update:,}; saved in {self.run.path}. "
            "The same command goes on from here."
        )

    def _learning_rate_factor(self) -> float:
        return learning_rate_factor(
            self.configuration.schedule, self.state.update, self.configuration.loop.number_of_updates
        )

    def _gradients(self) -> list[Tensor]:
        return [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]

    def _say(self, message: str) -> None:
        if self.ranks.is_first:
            self.hooks.on_message(message)


def _fitting_model(initial_model: GPTModel | None, configuration: TrainingConfiguration) -> GPTModel:
    """The model to train: the one that was given, of the right shape, or a random one that only the seed decides."""
    if initial_model is None:
        return GPTModel(configuration.model, generator=generator_for(configuration.loop.seed, "weights"))
    if initial_model.configuration != configuration.model:
        raise ConfigurationError(
            f"the initial model is {initial_model.configuration}, the configuration says {configuration.model}; "
            "they must be equal."
        )
    return initial_model
