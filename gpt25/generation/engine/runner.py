"""What computes: a model with slots for texts."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Runner(Protocol):
    """Reads tokens of several texts in one step. A slot keeps what was read in it until it is read over."""

    slots: int
    capacity: int
    """Positions of a slot."""
    most_rows: int
    """Tokens that one step may read."""
    prefers_first_slots: bool
    """Whether a step costs as much as the highest slot in use, so that texts should move down when others end."""

    def read(
        self, tokens: Sequence[int], *, slots: Sequence[int], positions: Sequence[int], wanted: Sequence[int]
    ) -> Tensor:
        """Read one token a row, and return the logits (wanted, vocabulary) behind the rows `wanted`, in their order.

        Rows of one slot stand side by side and in order. The result may be overwritten by the next call.
        """

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""
