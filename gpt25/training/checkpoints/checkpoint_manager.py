"""The checkpoints of a run while it goes on: where it starts from, what is saved, and what a failing save does."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gpt25.data import TokenShards
from gpt25.errors import ConfigurationError, CorruptFileError, StorageError, TrainingError
from gpt25.model import GPTModel
from gpt25.records import CheckpointRecord, RunDirectory
from gpt25.runtime import Ranks
from gpt25.storage import discard, matching, remove_leftovers, require_writable_directory
from gpt25.storage.atomic import storage_error
from gpt25.tokenizer import Tokenizer
from gpt25.training.checkpoints.checkpoint import TrainingState, load_checkpoint, prune_checkpoints, save_checkpoint
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.optimizers.optimizers import Optimizers
from gpt25.training.optimizers.schedule import plateau_end_to_keep
from gpt25.training.optimizers.weight_average import WeightAverage
from gpt25.training.sharding import full_model, full_tensors

DAMAGED_MARK = "damaged-"


class CheckpointManager:
    """Restores and saves one run. Every rank calls the same methods; the first one alone writes, all learn the outcome.

    Every rank reads the checkpoint that the first one chose, so the run directory must be visible to all of them.
    """

    def __init__(
        self,
        configuration: TrainingConfiguration,
        *,
        run: RunDirectory,
        model: GPTModel,
        optimizers: Optimizers,
        average: WeightAverage | None,
        shards: TokenShards,
        tokenizer: Tokenizer | None,
        ranks: Ranks,
        device: torch.device,
        say: Callable[[str], None],
        on_checkpoint: Callable[[Path], None],
    ) -> None:
        self.saved_update: int | None = None
        """The update at which the newest checkpoint of this process stands; None before there is one."""
        self._configuration = configuration
        self._run = run
        self._model = model
        self._optimizers = optimizers
        self._average = average
        self._shards = shards
        self._tokenizer = tokenizer
        self._ranks = ranks
        self._device = device
        self._say = say
        self._on_checkpoint = on_checkpoint
        self._failures_in_a_row = 0

    @property
    def _tokenizer_name(self) -> str:
        return "of the shards" if self._tokenizer is None else self._tokenizer.name

    def resume(self) -> TrainingState:
        """Fill model and optimizers from the newest intact checkpoint; a run without any begins at update 0.

        Leftovers of a killed save are removed and damaged newer checkpoints put aside, and both are said. Raises
        CorruptFileError where there are checkpoints and none is intact, ConfigurationError where their batches were
        others, and what load_checkpoint raises.
        """
        record = self._newest_intact() if self._ranks.is_first else None
        chosen = [1.0, float(record.update)] if record else [0.0, 0.0]
        exists, update = self._ranks.sum(chosen, device=self._device)  # all but the first rank add 0
        if not exists:
            return TrainingState()
        record = CheckpointRecord(int(update), self._run.checkpoint_path(int(update)))
        state = load_checkpoint(
            record,
            model=self._model,
            optimizers=self._optimizers,
            average=self._average,
            tokenizer_name=self._tokenizer_name,
            fingerprint=self._shards.fingerprint,
        )
        expected = self._configuration.update_sizes.rows_before(state.update)
        if state.rows != expected:
            raise ConfigurationError(
                f"{record.path} read {state.rows:,} rows in {state.update:,} updates, and this configuration reads "
                f"{expected:,}: its batches are others. Give the old batch section to go on, or choose another --run "
                "directory."
            )
        before, now = record.state().get("training_tokens_in_data"), self._shards.number_of_tokens
        if before not in (None, now):
            self._say(f"the data had {before:,} training tokens and has {now:,} now: they are read in another order")
        self.saved_update = state.update
        return state

    def save(self, state: TrainingState, *, required: bool = False) -> None:
        """Write a checkpoint, unless this state is saved already.

        A failure is said and counted. It raises TrainingError, on all ranks, when more than
        loop.failed_saves_allowed follow each other, when the save is `required`, or when weights are not finite.
        """
        if self.saved_update == state.update:
            return
        # What is sharded is gathered by all ranks, for the first one to write.
        model = full_model(self._model)
        optimizer_state = full_tensors(self._optimizers.state(), keep=self._ranks.is_first)
        average = full_tensors(self._average_state(state), keep=self._ranks.is_first)
        failure, stops = (
            self._save_on_first(state, model, optimizer_state, average) if self._ranks.is_first else ("", False)
        )
        allowed = self._configuration.loop.failed_saves_allowed
        stops = stops or (bool(failure) and (required or self._failures_in_a_row > allowed))
        failed, stopped = self._ranks.sum([float(bool(failure)), float(stops)], device=self._device)
        if stopped:
            # torchrun ends the first rank when another one has ended, perhaps before it could speak: all say why.
            raise TrainingError(
                self._ranks.broadcast_text(
                    f"the run stops after update {state.update:,}, because its checkpoint could not be saved "
                    f"({self._failures_in_a_row} in a row): {failure}",
                    device=self._device,
                )
            )
        if failed:
            self._say(
                f"no checkpoint after update {state.update:,} ({self._failures_in_a_row} in a row failed, {allowed} "
                f"may): {failure}"
            )
        else:
            self.saved_update = state.update

    def _average_state(self, state: TrainingState) -> dict[str, torch.Tensor]:
        """The average of the weights, where one has begun and goes on; nothing elsewhere."""
        average = self._average
        return {} if average is None or not average.is_in_checkpoint(state.update) else average.state()

    def _save_on_first(
        self,
        state: TrainingState,
        model: GPTModel,
        optimizer_state: dict[str, torch.Tensor],
        average: dict[str, torch.Tensor],
    ) -> tuple[str, bool]:
        """Save; returns what went wrong, if anything did, and whether that ends the run whatever is allowed."""
        if not torch.isfinite(torch.nn.utils.get_total_norm(model.parameters())):
            self._failures_in_a_row += 1
            return (
                "the weights hold NaN or infinite values. Older checkpoints are untouched; train with a lower "
                "learning rate in another --run directory.",
                True,
            )
        try:
            path = save_checkpoint(
                self._run,
                state,
                model=model,
                optimizer_state=optimizer_state,
                average=average,
                tokenizer=self._tokenizer,
                details=self._details(),
            )
        except StorageError as problem:
            self._failures_in_a_row += 1
            return str(problem), False
        self._failures_in_a_row = 0
        keep, plateau = self._configuration.loop.checkpoints_to_keep, plateau_end_to_keep(self._configuration)
        prune_checkpoints(self._run, keep=keep, keep_update=plateau)
        self._on_checkpoint(path)
        return "", False

    def _details(self) -> dict[str, Any]:
        """What state.json tells beside the state."""
        return {
            "configuration": dataclasses.asdict(self._configuration),
            "random_states": {
                "rule": "weights, data order and dropout are derived from the seed, the update and the rank",
                "seed": self._configuration.loop.seed,
            },
            "number_of_ranks": self._ranks.number_of_ranks,
            "tokenizer_name": self._tokenizer_name,
            "tokenizer_fingerprint": self._shards.fingerprint,
            "training_tokens_in_data": self._shards.number_of_tokens,
        }

    def _newest_intact(self) -> CheckpointRecord | None:
        """Tidy the folder of checkpoints and choose the one to go on from."""
        folder = require_writable_directory(self._run.checkpoints_path)
        for leftover in remove_leftovers(folder):
            self._say(f"removed {leftover}, left over from a save or a removal that did not end")
        record, problems = self._run.newest_intact_checkpoint()
        if record is None and problems:
            raise CorruptFileError(
                f"no checkpoint in {folder} is intact: {'; '.join(problems)}. Put an intact copy back, or choose "
                "another --run directory to begin anew."
            )
        for problem in problems:
            self._say(f"passed over a damaged checkpoint: {problem}")
        if record is not None:
            self._put_aside_after(record.update)
        return record

    def _put_aside_after(self, update: int) -> None:
        """Rename checkpoints of later updates, all damaged: left in place, they would count as the newest to keep."""
        for path in matching(self._run.checkpoints_path, "update-*"):
            number = path.name.removeprefix("update-")
            if not number.isdecimal() or int(number) <= update:
                continue
            aside = path.with_name(f"{DAMAGED_MARK}{path.name}")
            try:
                discard(aside)
                os.rename(path, aside)
            except OSError as problem:
                raise storage_error(problem, path, "cannot rename the damaged") from problem
            self._say(f"{path.name} is now called {aside.name}")
