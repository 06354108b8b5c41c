"""Keys and values of the positions that a model has already read."""

import torch
from torch import Tensor

from gpt25.errors import ConfigurationError
from gpt25.model.configuration import GPTConfiguration


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
