"""What computes: a model with slots for texts."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from gpt25.generation.history import History
from gpt25.generation.sampling_settings import SamplingSettings


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

    def draw(
        self,
        logits: Tensor,
        *,
        settings: Sequence[SamplingSettings],
        histories: Sequence[History],
        uniforms: Sequence[float],
    ) -> list[int]:
        """Choose the next token of every row of logits (rows, vocabulary); NOT_DRAWN where none can be chosen.

        A row's choice depends on that row alone: see `gpt25.generation.sample_next`.
        """

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""

    def clear(self, slot: int) -> None:
        """Take out what a slot holds, which is of no use to any text."""
