"""The training loop: updates, validation, checkpoints, and stopping without losing anything."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from gpt25.data import Batches, TokenShards, Validation
from gpt25.errors import ConfigurationError, Interrupted, StorageError, TrainingError
from gpt25.model import GPTModel
from gpt25.records import CheckpointRecord, RunDirectory
from gpt25.runtime import Ranks, Stopwatch, choose_device, choose_precision, derive_seed, generator_for
from gpt25.storage import remove_leftovers, require_writable_directory
from gpt25.tokenizer import Tokenizer
from gpt25.training.checkpoint import TrainingState, load_checkpoint, prune_checkpoints, save_checkpoint
from gpt25.training.configuration import TrainingConfiguration
from gpt25.training.hooks import TrainingHooks
from gpt25.training.loss_module import LossModule
from gpt25.training.optimizers import Optimizers
from gpt25.training.schedule import learning_rate_factor
from gpt25.training.stop_signals import StopSignals


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
        self._fingerprint = train_shards.fingerprint
        settings = configuration.loop
        self.device = self.ranks.device_for(choose_device(settings.device))
        self.precision = choose_precision(self.device, settings.precision)
        self.micro_batch_rows = self._fitting_micro_batch()
        self.model = initial_model or GPTModel(configuration.model, generator=generator_for(settings.seed, "weights"))
        self.model.to(self.device).train()
        self.optimizers = Optimizers(self.model, configuration.optimizer)
        self.loss_module = LossModule(self.model, precision=self.precision, compile=settings.compile)
        shape = configuration.model
        self.batches = Batches(
            train_shards, block_size=shape.block_size, seed=settings.seed, vocabulary_size=shape.vocabulary_size
        )
        available = (validation_shards.number_of_tokens - 1) // shape.block_size * shape.block_size
        self.validation = Validation(
            validation_shards, shape.block_size, min(configuration.data.validation_tokens, available) or None
        )
        self._failed_saves = 0
        self._non_finite_in_a_row = 0
        self._saved_update: int | None = None

    def _fitting_micro_batch(self) -> int:
        """The largest number of rows up to the configured one that divides a rank's share of an update."""
        rows, number = self.configuration.rows_per_update, self.ranks.number_of_ranks
        if rows % number:
            raise ConfigurationError(
                f"{rows} rows of {self.configuration.model.block_size} tokens make an update; {number} ranks cannot "
                "share them equally. Change the number of ranks or batch.tokens_per_update."
            )
        share = rows // number
        return max(
            size for size in range(1, min(share, self.configuration.batch.micro_batch_rows) + 1) if share % size == 0
        )

    def train(self) -> TrainingState:
        """Train to the last update, going on from the newest intact checkpoint of the run; returns where it ended.

        Raises Interrupted after a signal, once everything is saved; TrainingError when non-finite values or failing
        saves persist, or another rank is lost.
        """
        with StopSignals() as signals, _naming_lost_ranks(self.ranks):
            self._resume()
            stopwatch = Stopwatch(offset_seconds=self.state.elapsed_seconds)
            reducing = self._reducing_module()
            if self.ranks.is_first:
                self.hooks.on_start(self.state.update, self.configuration.loop.number_of_updates)
            while self.state.update < self.configuration.loop.number_of_updates:
                stop = self._update(reducing, signals, stopwatch)
                if stop is not None:
                    self._save()
                    raise Interrupted(stop, self._interruption_message(stop))
            if self._saved_update != self.state.update:
                self._save(last=True)
        return self.state

    def rehearse_update(self, update: int) -> None:
        """Do the work of an update, counted from 0, without recording it: for measuring how long it takes."""
        self.state.update = update
        self._accumulate_gradients(self.loss_module)
        norm = float(torch.nn.utils.get_total_norm(self._gradients()))
        self._step(norm, self._learning_rate_factor())
        self.optimizers.zero_gradients()

    # One update.

    def _update(self, reducing: torch.nn.Module, signals: StopSignals, stopwatch: Stopwatch) -> int | None:
        """Do one update and what falls due after it; returns the signal on which all ranks agreed to stop, if any."""
        begin = time.perf_counter()
        local_loss = self._accumulate_gradients(reducing)
        norm = float(torch.nn.utils.get_total_norm(self._gradients()))
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

    def _accumulate_gradients(self, reducing: torch.nn.Module) -> float:
        """Forward and backward over this rank's micro-batches; returns its mean loss in nats."""
        update, length = self.state.update, self.configuration.sequence_length(self.state.update)
        torch.manual_seed(derive_seed(self.configuration.loop.seed, "dropout", update, self.ranks.rank))
        micro_batches = list(
            self.batches.for_update(
                update,
                rows_per_update=self.configuration.rows_per_update,
                micro_batch_rows=self.micro_batch_rows,
                rank=self.ranks.rank,
                number_of_ranks=self.ranks.number_of_ranks,
            )
        )
        total = torch.zeros((), device=self.device)
        for number, (indices, labels) in enumerate(micro_batches, start=1):
            indices = indices.view(-1, length).to(self.device)  # (rows * block size / length, length)
            labels = labels.view(-1, length).to(self.device)  # likewise
            last = number == len(micro_batches)
            with contextlib.nullcontext() if last else _without_reduction(reducing):
                loss = reducing(indices, labels) / len(micro_batches)
                loss.backward()
            total += loss.detach()
        return float(total)

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
                f"The last good checkpoint is untouched in {self.run.checkpoints_path}. "
                "Lower the learning rate, or look at the data."
            )
        self._say(f"{what}; all ranks skip this update ({self._non_finite_in_a_row} in a row, {allowed} allowed)")

    def _count_update(self, loss: float) -> None:
        self.state.update += 1
        self.state.tokens += self.configuration.batch.tokens_per_update
        self.state.rows += self.configuration.rows_per_update
        self.state.metrics["training_loss"] = loss if math.isfinite(loss) else None

    def _after_update(self, row: dict[str, Any], stopwatch: Stopwatch) -> None:
        """Validate, record, sample and save, as far as this update is due for it."""
        settings, update = self.configuration.loop, self.state.update
        if self._is_due(settings.validation_interval_in_updates):
            row["validation_loss"] = self.state.metrics["validation_loss"] = self.validation_loss()
        if self.ranks.is_first and self._is_due(settings.samples_interval_in_updates):
            self.model.eval()
            self.hooks.on_samples(self.model, update, self.state.tokens)
            self.model.train()
        self.state.elapsed_seconds = row["elapsed_seconds"] = stopwatch.elapsed_seconds
        if self.ranks.is_first:
            try:
                self.run.append_metrics(row)
            except StorageError as problem:  # a full disk costs a row of the record, not the run
                self._say(f"update {update} is missing in the record: {problem}")
            self.hooks.on_update(row)
        if update % settings.checkpoint_interval_in_updates == 0 and not self._non_finite_in_a_row:
            self._save()

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
            total += loss.double().cpu() * labels.numel()
        self.model.train()
        return self.ranks.sum([float(total)], device=self.device)[0] / self.validation.number_of_tokens

    # Starting and saving.

    def _resume(self) -> None:
        """Go on from the newest intact checkpoint, chosen by the first rank for all."""
        update = -1
        if self.ranks.is_first:
            require_writable_directory(self.run.checkpoints_path)
            for leftover in remove_leftovers(self.run.checkpoints_path):
                self._say(f"removed {leftover}, left over from a save that did not end")
            record, problems = self.run.newest_intact_checkpoint()
            for problem in problems:
                self._say(f"passed over a damaged checkpoint: {problem}")
            update = -1 if record is None else record.update
        update = int(self.ranks.sum([float(update if self.ranks.is_first else 0)], device=self.device)[0])
        if update >= 0:
            record = CheckpointRecord(update, self.run.checkpoint_path(update))
            self.state = load_checkpoint(record, model=self.model, optimizers=self.optimizers)
            self._saved_update = update
        if self.ranks.is_first:
            self.run.cut_after(self.state.update)

    def _reducing_module(self) -> torch.nn.Module:
        """The loss module, wrapped where several ranks average their gradients while the backward pass still runs."""
        if self.ranks.is_alone:
            return self.loss_module
        return DistributedDataParallel(self.loss_module, gradient_as_bucket_view=True)

    def _save(self, *, last: bool = False) -> None:
        """Write a checkpoint on the first rank; a failure is counted, and ends the run only when it persists."""
        failure = ""
        if self.ranks.is_first:
            try:
                path = save_checkpoint(
                    self.run,
                    self.state,
                    model=self.model,
                    optimizers=self.optimizers,
                    tokenizer=self.tokenizer,
                    details=self._details(),
                )
                self._failed_saves = 0
                prune_checkpoints(self.run, keep=self.configuration.loop.checkpoints_to_keep)
                self.hooks.on_checkpoint(path)
            except StorageError as problem:
                self._failed_saves += 1
                failure = str(problem)
        allowed = self.configuration.loop.failed_saves_allowed
        if failure:
            self._say(f"checkpoint not saved ({self._failed_saves} in a row, {allowed} allowed): {failure}")
        if self.ranks.agree(bool(failure) and (last or self._failed_saves > allowed), device=self.device):
            raise TrainingError(f"checkpoints could not be saved: {failure or 'the first rank says why'}")
        if not failure:
            self._saved_update = self.state.update

    def _details(self) -> dict[str, Any]:
        return {
            "configuration": dataclasses.asdict(self.configuration),
            "random_states": {
                "rule": "weights, data order and dropout are derived from the seed, the update and the rank",
                "seed": self.configuration.loop.seed,
            },
            "number_of_ranks": self.ranks.number_of_ranks,
            "tokenizer_fingerprint": self._fingerprint,
        }

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


_VALIDATION_TOKENS_AT_ONCE = 8192
_STOPPING = (2, 15)  # SIGINT, SIGTERM: what StopSignals reports


def _without_reduction(module: torch.nn.Module) -> contextlib.AbstractContextManager[Any]:
    """Keep gradients on this rank for now; only the last micro-batch's backward pass averages them."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else contextlib.nullcontext()


@contextlib.contextmanager
def _naming_lost_ranks(ranks: Ranks) -> Iterator[None]:
    """Turn the communication library's error about another rank into ours, which names this one."""
    try:
        yield
    except RuntimeError as problem:
        if ranks.is_alone:
            raise
        reason = str(problem).strip().splitlines()[0]
        raise TrainingError(
            f"rank {ranks.rank} of {ranks.number_of_ranks} cannot go on: {reason}. If another rank died, its error "
            "stands above; the same command resumes from the last complete checkpoint."
        ) from problem
