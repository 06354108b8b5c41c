"""Keys and values of the positions that a model has already read."""

from typing import Protocol

import torch
from torch import Tensor

from gpt25.errors import ConfigurationError
from gpt25.model.configuration import GPTConfiguration


class Cache(Protocol):
    """What a model asks of the keys and values that stand before the tokens that it reads."""

    @property
    def length(self) -> int:
        """Positions that are held, of the row that holds most."""

    @property
    def past(self) -> int | Tensor:
        """Positions that are held: one number, or one for every row (batch, 1) int64."""

    @property
    def is_empty(self) -> bool:
        """Whether no row holds any, so that what is read now begins its text."""

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store the newest positions of one layer and return all, both (batch, heads, time, head size)."""

    def mask(self, time: int) -> Tensor | None:
        """Which positions each of the `time` newest attends to; None where that is all of them."""

    def advance(self, time: int) -> None:
        """Count `time` more positions as held, after every layer has appended them."""


class KeyValueCache:
    """Preallocated keys and values of up to `capacity` positions in every layer, so that none is computed twice.

    All rows of the batch hold the same number of positions. The memory is taken once, at construction.
    """

    def __init__(
        self,
        configuration: GPTConfiguration,
        *,
        batch_size: int,
        capacity: int | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.capacity = configuration.block_size if capacity is None else capacity
        if not 1 <= self.capacity <= configuration.block_size:
            raise ConfigurationError(
                f"a cache of {self.capacity} positions does not fit a model that reads {configuration.block_size}."
            )
        self.length = 0  # positions that every layer holds
        shape = (
            configuration.number_of_layers,
            2,  # keys, values
            batch_size,
            configuration.number_of_heads,
            self.capacity,
            configuration.head_size,
        )
        self._storage = torch.empty(shape, device=device, dtype=dtype)

    @property
    def batch_size(self) -> int:
        """Rows that the cache serves."""
        return self._storage.size(2)

    @property
    def past(self) -> int:
        """Positions that every row holds."""
        return self.length

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held."""
        return self.length == 0

    def mask(self, time: int) -> Tensor | None:
        """Which positions each of the last `time` attends to, (time, length + time); None where that is all of them."""
        return mask_after(time, self.length + time, self._storage.device)

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store the newest positions of one layer and return all of them.

        `key` and `value` are (batch, heads, time, head size); the results (batch, heads, length + time, head size).
        The length grows only with `advance`, once all layers have stored the same positions.
        """
        end = self.length + key.size(2)
        if end > self.capacity:
            raise ConfigurationError(f"{end} positions do not fit a cache of {self.capacity}.")
        storage = self._storage[layer]  # (2, batch, heads, capacity, head size)
        storage[0, :, :, self.length : end] = key
        storage[1, :, :, self.length : end] = value
        return storage[0, :, :, :end], storage[1, :, :, :end]

    def advance(self, time: int) -> None:
        """Count `time` more positions as held, after every layer has appended them."""
        self.length += time

    def keep_rows(self, rows: list[int]) -> None:
        """Go on with these rows of the batch only, in this order; a row may be repeated."""
        index = torch.tensor(rows, device=self._storage.device)
        self._storage = self._storage.index_select(2, index)


def mask_after(time: int, total: int, device: torch.device) -> Tensor | None:
    """Which of `total` positions each of the last `time` positions attends to; None where that is all of them."""
    if time == 1:
        return None
    return torch.ones(time, total, dtype=torch.bool, device=device).tril(total - time)  # (time, total)
