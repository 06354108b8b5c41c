"""Updates one after the other: each waits for its metrics, or, on a GPU, they are read while the next one runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gpt25.runtime import Ranks, to_device
from gpt25.training.loop.gradient_update import GradientUpdate
from gpt25.training.loop.non_finite_updates import NonFiniteUpdates
from gpt25.training.loop.stop_signals import STOPPING, StopSignals
from gpt25.training.loop.update_in_flight import UpdateInFlight


@dataclass(frozen=True)
class UpdateMetrics:
    """What one update measured, the same on every rank but for the seconds."""

    loss: float
    """Mean over all ranks, in nats per token."""
    norm: float
    """Of the gradient, before clipping."""
    seconds: float
    """From its begin, or from when the metrics of the one before it were read, if that is later."""
    was_skipped: bool
    """Because loss or norm was not finite."""
    stop_signal: int | None
    """The signal on which all ranks agreed to stop."""


class UpdateCycle:
    """Begins updates, reads their metrics, and has them applied or skipped; updates are counted from 0.

    Reading late, an update's loss and norm are read when the next one is on its way, so that the device never waits for
    the host. Clipping the gradients and skipping an update that is not finite are then decided on the device, and the
    host learns of them afterwards; weights and metrics are what they would have been.
    """

    def __init__(
        self,
        gradient_update: GradientUpdate,
        non_finite: NonFiniteUpdates,
        *,
        ranks: Ranks,
        device: torch.device,
        reads_late: bool,
        say: Callable[[str], None],
    ) -> None:
        self.reads_late = reads_late
        self._gradient_update = gradient_update
        self._non_finite = non_finite
        self._ranks = ranks
        self._device = device
        self._say = say
        self._in_flight: UpdateInFlight | None = None

    @property
    def is_ahead(self) -> bool:
        """Whether an update has moved the weights already whose metrics have not been read."""
        return self._in_flight is not None

    def run(self, update: int, signals: StopSignals, *, may_go_ahead: bool) -> UpdateMetrics:
        """Do an update and return its metrics; reading late, and if it may go ahead, begin the next one first.

        Raises TrainingError when more updates in a row were not finite than are allowed.
        """
        flight, self._in_flight = self._in_flight or self._begin(update, signals), None
        if self.reads_late and may_go_ahead:
            self._in_flight = self._begin(update + 1, signals)
        total, norm, stop_requests = flight.read()
        loss = total / self._ranks.number_of_ranks
        message = self._non_finite.check(update + 1, loss, norm)
        if message is not None:
            self._say(message)
        if not self.reads_late:
            if message is None:
                self._gradient_update.apply(update, norm)
            self._gradient_update.end(update)
        seconds = time.perf_counter() - flight.begin
        if self._in_flight is not None:
            self._in_flight.begins_now()
        stop = next((number for number, count in zip(STOPPING, stop_requests, strict=True) if count), None)
        return UpdateMetrics(loss, norm, seconds, was_skipped=message is not None, stop_signal=stop)

    def rehearse(self, update: int) -> None:
        """Do the work of an update and nothing with its metrics; returns when the device has done it."""
        loss, norm = self._gradient_update.accumulate(update)
        if self.reads_late:
            self._gradient_update.apply_if_finite(update, loss, norm)
        else:
            self._gradient_update.apply(update, float(norm))
        self._gradient_update.end(update)
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _begin(self, update: int, signals: StopSignals) -> UpdateInFlight:
        """Compute an update's gradients, and apply them where that is decided on the device."""
        begin = time.perf_counter()
        loss, norm = self._gradient_update.accumulate(update)
        # One all-reduce tells every rank the loss, and how many ranks received which signal. A gradient that is not
        # finite on one rank has already become so on all, when the gradients were averaged.
        stop_requests = [float(signals.received == number) for number in STOPPING]
        summed = self._summed(loss, stop_requests)
        flight = UpdateInFlight(summed, norm, stop_requests=stop_requests, begin=begin)
        if self.reads_late:
            self._gradient_update.apply_if_finite(update, summed[0], norm)
            self._gradient_update.end(update)
        return flight

    def _summed(self, loss: Tensor, stop_requests: list[float]) -> Tensor:
        """The loss () summed over the ranks, and, unless this one is alone, the stop requests behind it."""
        if self._ranks.is_alone:
            return loss.view(1)
        requests = to_device(stop_requests, self._device, dtype=torch.float64)
        values = torch.cat([loss.double().view(1), requests])
        return self._ranks.sum_on_device(values)
