"""An update whose metrics are still on their way from the device."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor


class UpdateInFlight:
    """Loss and gradient norm of one update, copied to the host without waiting for the device to have them."""

    def __init__(self, loss: Tensor, norm: Tensor, *, stop_requests: Sequence[float], begin: float) -> None:
        """Start the copy.

        loss: (1) on a rank that is alone; else (3), summed over the ranks, with how many received each stop signal
        behind it. norm: (). begin: when the update began, on time.perf_counter's clock.
        """
        self.begin = begin
        self._stop_requests = [*stop_requests]
        self._event: torch.cuda.Event | None = None
        self._values = torch.cat([norm.to(loss.dtype).view(1), loss])  # (2) or (4)
        if self._values.device.type == "cuda":
            pinned = torch.empty(self._values.shape, dtype=self._values.dtype, pin_memory=True)
            self._values = pinned.copy_(self._values, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record(torch.cuda.current_stream(loss.device))  # of cuda:1 too, whichever GPU is current

    def read(self) -> tuple[float, float, list[float]]:
        """Loss summed over the ranks, gradient norm, and how many ranks received each stop signal; waits for them."""
        if self._event is not None:
            self._event.synchronize()
        norm, total, *stop_requests = self._values.tolist()
        return total, norm, stop_requests or self._stop_requests

    def begins_now(self) -> None:
        """Count its time from here: until now, the device was busy with the update before it."""
        self.begin = time.perf_counter()
