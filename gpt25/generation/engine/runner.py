"""What computes: a model with slots for texts."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from gpt25.generation.history import History
from gpt25.generation.piece import TokenProbability
from gpt25.generation.sampling_settings import SamplingSettings

Logits = TypeVar("Logits")
"""Tensors of torch or arrays of NumPy; rows are taken from either by the same brackets."""


class Runner(Protocol[Logits]):
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
    ) -> Logits:
        """Read one token a row, and return the logits (wanted, vocabulary) behind the rows `wanted`, in their order.

        Rows of one slot stand side by side and in order. The result may be overwritten by the next call.
        """

    def draw(
        self,
        logits: Logits,
        *,
        settings: Sequence[SamplingSettings],
        histories: Sequence[History],
        uniforms: Sequence[float],
    ) -> list[int]:
        """Choose the next token of every row of logits (rows, vocabulary); NOT_DRAWN where none can be chosen.

        A row's choice depends on that row alone: see `gpt25.generation.sample_next`.
        """

    def kept(self, logits: Logits) -> Logits:
        """The same logits, of any shape, where no later call overwrites them."""

    def together(self, rows: Sequence[Logits]) -> Logits:
        """Rows (vocabulary) one below the other: (rows, vocabulary)."""

    def probability(self, logits: Logits, token_id: int, *, likeliest: int) -> TokenProbability:
        """The log-probability of a token by logits (vocabulary) as they are, and of as many likeliest tokens.

        Sums are float64, over this row alone, so that the company in a step makes no difference. Of equally likely
        tokens the one with the smaller id comes first.
        """

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""

    def clear(self, slot: int) -> None:
        """Take out what a slot holds, which is of no use to any text."""
