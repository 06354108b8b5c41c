"""An update whose figures are still on their way from the device."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor


class UpdateInFlight:
    """Loss and gradient norm of one update, copied to the host without waiting for the device to have them."""

    def __init__(self, loss: Tensor, norm: Tensor, *, asked: Sequence[float], begin: float) -> None:
        """Start the copy.

        loss: (1) on a rank that is alone; else (3), summed over the ranks, with how many asked for what behind it.
        norm: a number. begin: when the update began, on time.perf_counter's clock.
        """
        self.begin = begin
        self._asked = [*asked]
        self._event: torch.cuda.Event | None = None
        self._numbers = torch.cat([norm.to(loss.dtype).view(1), loss])  # (2) or (4)
        if self._numbers.device.type == "cuda":
            pinned = torch.empty(self._numbers.shape, dtype=self._numbers.dtype, pin_memory=True)
            self._numbers = pinned.copy_(self._numbers, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()

    def read(self) -> tuple[float, float, list[float]]:
        """The loss summed over the ranks, the gradient norm, and how many ranks asked for what; waits for them."""
        if self._event is not None:
            self._event.synchronize()
        norm, total, *heard = self._numbers.tolist()
        return total, norm, heard or self._asked

    def begins_now(self) -> None:
        """Count its time from here: until now, the device was busy with the update before it."""
        self.begin = time.perf_counter()
