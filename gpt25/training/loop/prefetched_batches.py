"""Micro-batches that are read and laid out for the device while the update before them still runs."""

import functools
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

MicroBatches = list[tuple[Tensor, Tensor]]
"""Ids and labels, both (rows, block size) int64 in main memory, of one update on one rank."""


class PrefetchedBatches:
    """Reads one update ahead in a thread, into pinned memory, from which a GPU copies while it computes.

    What is read is a pure function of the update, so that only the moment of reading changes. A problem with the data
    is raised where its update is asked for, not before, and only if it is still one when they are read again.
    """

    def __init__(
        self, read: Callable[[int], Iterable[tuple[Tensor, Tensor]]], *, number_of_updates: int, device: torch.device
    ) -> None:
        """For a CUDA `device`, memory is pinned, by a thread whose current GPU it is, or it would wake another one."""
        self._read = read
        self._number_of_updates = number_of_updates
        self._pinned = device.type == "cuda"
        self._executor = ThreadPoolExecutor(
            max_workers=1,
            thread_name_prefix="gpt25-batches",
            initializer=functools.partial(torch.cuda.set_device, device) if self._pinned else None,
        )
        self._ahead: tuple[int, Future[MicroBatches]] | None = None

    def of(self, update: int) -> MicroBatches:
        """The micro-batches of an update, counted from 0; the next update's are read from now on."""
        ahead, self._ahead = self._ahead, None
        is_ahead = ahead is not None and ahead[0] == update and ahead[1].exception() is None
        batches = ahead[1].result() if ahead is not None and is_ahead else self._prepare(update)
        if update + 1 < self._number_of_updates:
            self._ahead = update + 1, self._executor.submit(self._prepare, update + 1)
        return batches

    def _prepare(self, update: int) -> MicroBatches:
        batches = self._read(update)
        return [(ids.pin_memory(), labels.pin_memory()) if self._pinned else (ids, labels) for ids, labels in batches]
