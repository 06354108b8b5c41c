"""Updates wait until the shards that they read are there."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from gpt25.data import Batches
from gpt25.errors import DataError
from gpt25.runtime import Ranks
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.loop.stop_signals import STOPPING, StopSignals

_POLL_SECONDS = 0.5


class AwaitedData:
    """Holds every rank back until all of them see the shards of an update; updates are counted from 0.

    All ranks ask one another at the same updates, where a group of shards begins, and again and again while they wait:
    none of them waits for another one longer than that, however slowly the data come.
    """

    def __init__(
        self,
        batches: Batches,
        configuration: TrainingConfiguration,
        ranks: Ranks,
        device: torch.device,
        on_missing: Callable[[Sequence[Path]], str | None],
    ) -> None:
        self._batches = batches
        self._sizes = configuration.update_sizes
        self._ranks = ranks
        self._device = device
        self._on_missing = on_missing
        self._there: tuple[Path, ...] | None = None

    def is_due(self, update: int) -> bool:
        """Whether an update reads other shards than the one before it, for which the ranks wait together."""
        return self._paths(update) != self._there

    def wait(self, update: int, signals: StopSignals) -> int | None:
        """Return when an update's shards are there, or a signal on which all ranks agreed to stop instead.

        Raises DataError, on every rank, for the reason why they will not come.
        """
        if not self.is_due(update):
            return None
        paths = self._paths(update)
        while True:
            missing = self._batches.shards.missing(paths)
            problem = self._on_missing(missing) if missing and self._ranks.is_first else None
            requests = [float(signals.received == number) for number in STOPPING]
            flags = [float(bool(missing)), float(problem is not None), *requests]
            is_missing, has_failed, *stops = self._ranks.sum(flags, device=self._device)
            if has_failed:
                raise DataError(self._ranks.broadcast_text(problem or "", device=self._device))
            stop = next((number for number, count in zip(STOPPING, stops, strict=True) if count), None)
            if stop is not None:
                return stop
            if not is_missing:
                self._there = paths
                return None
            time.sleep(_POLL_SECONDS)

    def _paths(self, update: int) -> tuple[Path, ...]:
        return self._batches.paths_of(self._sizes.rows_before(update), self._sizes.rows(update))
