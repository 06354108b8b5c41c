"""Keys and values of several texts of different lengths, each in a slot of its own."""

import torch
from torch import Tensor

from gpt25.model.configuration import GPTConfiguration
from gpt25.model.key_value_cache import mask_after


class SlotCache:
    """Preallocated keys and values of up to `capacity` positions in every layer and slot.

    How much of a slot is filled is its user's business. Each slot has one position more, for what rows without a text
    write.
    """

    def __init__(
        self, configuration: GPTConfiguration, *, slots: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.slots = slots
        self.capacity = capacity
        shape = (
            configuration.number_of_layers,
            2,  # keys, values
            slots,
            configuration.number_of_heads,
            capacity + 1,
            configuration.head_size,
        )
        # Zeros, for rows of other lengths are masked by adding -infinity, and nothing makes a number of NaN.
        self._storage = torch.zeros(shape, device=device, dtype=dtype)

    def piece(self, slot: int, *, past: int) -> "PieceOfText":
        """Where several tokens of one text are read, behind `past` others."""
        return PieceOfText(self._storage[:, :, slot : slot + 1], past)

    def next_tokens(self, positions: Tensor, *, longest: int, is_even: bool = False) -> "NextTokens":
        """Where one token is read in each of the first slots.

        positions: how many positions each slot holds (rows) int64, beside the cache; `capacity`: a row without a text.
        longest: at least the largest of them but the capacity. is_even: whether all are `longest`.
        """
        return NextTokens(self._storage[:, :, : len(positions)], positions, longest=longest, is_even=is_even)

    def clear(self, slot: int) -> None:
        """Take out what a slot holds: where it is NaN, it would spoil the next text there."""
        self._storage[:, :, slot] = 0

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""
        self._storage[:, :, target, :, :length] = self._storage[:, :, source, :, :length]


class PieceOfText:
    """The cache of one text while some of its tokens are read."""

    def __init__(self, storage: Tensor, past: int) -> None:
        """storage: (layers, 2, 1, heads, capacity + 1, head size)."""
        self._storage = storage
        self.length = past

    @property
    def past(self) -> int:
        """Positions that are held."""
        return self.length

    @property
    def is_empty(self) -> bool:
        """Whether the text begins here."""
        return self.length == 0

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store the newest positions of one layer and return all, both (1, heads, time, head size)."""
        end = self.length + key.size(2)
        keys, values = self._storage[layer]  # each (1, heads, capacity + 1, head size)
        keys[:, :, self.length : end] = key
        values[:, :, self.length : end] = value
        return keys[:, :, :end], values[:, :, :end]

    def mask(self, time: int) -> Tensor | None:
        """Which positions each of the last `time` attends to, (time, length + time); None where that is all."""
        return mask_after(time, self.length + time, self._storage.device)

    def advance(self, time: int) -> None:
        """Count `time` more positions as held."""
        self.length += time


class NextTokens:
    """The cache of several texts, one a row, while the next token of each is read."""

    def __init__(self, storage: Tensor, positions: Tensor, *, longest: int, is_even: bool) -> None:
        """storage: (layers, 2, rows, heads, capacity + 1, head size)."""
        self._storage = storage
        self.length = longest
        self._is_even = is_even
        self._positions = positions  # (rows)
        self._rows = torch.arange(len(positions), device=storage.device)  # (rows)
        within = torch.arange(longest + 1, device=storage.device) <= positions.unsqueeze(-1)  # (rows, longest + 1)
        self._mask = None if is_even else within[:, None, None]  # (rows, 1, 1, longest + 1)

    @property
    def past(self) -> int | Tensor:
        """Positions that are held: one number where all rows hold as many, else (rows, 1)."""
        return self.length if self._is_even else self._known_positions().unsqueeze(-1)

    @property
    def is_empty(self) -> bool:
        """Never: a text begins with a piece."""
        return False

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store each row's newest position, (rows, heads, 1, head size), and return as many as the longest has."""
        keys, values = self._storage[layer]  # each (rows, heads, capacity + 1, head size)
        if self._is_even:
            keys[:, :, self.length] = key[:, :, 0]
            values[:, :, self.length] = value[:, :, 0]
        else:
            keys[self._rows, :, self._positions] = key[:, :, 0]
            values[self._rows, :, self._positions] = value[:, :, 0]
        return keys[:, :, : self.length + 1], values[:, :, : self.length + 1]

    def mask(self, time: int) -> Tensor | None:
        """Which positions each row attends to, (rows, 1, 1, longest + 1); None where that is all of them."""
        assert time == 1
        return self._mask

    def advance(self, time: int) -> None:
        """Every row holds one more; this view has then done its work."""

    def _known_positions(self) -> Tensor:
        """Positions (rows) that have an embedding: a row without a text reads the longest text's."""
        return self._positions.clamp(max=self.length)
