"""How large a run's updates are, and how they are cut up."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

from gpt25.training.configuration.requirements import is_number, require, require_positive

_ROWS = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchConfiguration:
    """How many tokens make one update and how they are cut up."""

    tokens_per_update: int = 524_288
    """Tokens of one optimizer step over all ranks, 512 x 1,024 by default; a multiple of the block size."""
    smaller_updates: tuple[tuple[float, int], ...] = ()
    """Batch-size schedule of (until this fraction of the updates, tokens of an update): early updates get by with
    fewer tokens (McCandlish et al. 2018, arXiv 1812.06162); learning rates do not follow."""
    micro_batch_rows: int | Literal["auto"] = _ROWS
    """Rows of one block size that one forward and backward pass reads on one rank; only memory, speed and rounding
    depend on it. auto takes the most, up to 65,536 tokens, that fit a GPU's memory by `gpt25 plan`, and 4 elsewhere."""
    short_sequences: tuple[tuple[float, int], ...] = ()
    """Curriculum of (until this fraction of the updates, sequence length): rows are cut into shorter sequences."""

    def __post_init__(self) -> None:
        require_positive(self, "batch", "tokens_per_update")
        rows: Any = self.micro_batch_rows
        is_right = rows == "auto" or (is_number(rows) and rows > 0)
        require(is_right, "batch.micro_batch_rows", rows, "a positive number, or auto")
        _require_stages("batch.smaller_updates", self.smaller_updates, "a size", "[[0.2, 131072], [0.5, 262144]]")
        _require_stages("batch.short_sequences", self.short_sequences, "a length", "[[0.1, 64], [0.3, 128]]")
        for _, tokens in self.smaller_updates:
            rule = f"at most batch.tokens_per_update {self.tokens_per_update:,}"
            require(tokens <= self.tokens_per_update, "batch.smaller_updates", tokens, rule)

    @property
    def rows_unless_chosen(self) -> int:
        """micro_batch_rows as a number: where it is "auto" and nobody has chosen for the device, the default."""
        return _ROWS if self.micro_batch_rows == "auto" else self.micro_batch_rows

    def require_whole_rows(self, block_size: int) -> None:
        """Raise ConfigurationError where an update is not whole rows of so many tokens, or a row not whole sequences.

        One of the configuration's rules between sections: block_size is model.block_size.
        """
        rule = f"a multiple of model.block_size {block_size}"
        require(self.tokens_per_update % block_size == 0, "batch.tokens_per_update", self.tokens_per_update, rule)
        for _, tokens in self.smaller_updates:
            require(tokens % block_size == 0, "batch.smaller_updates", tokens, rule)
        for _, length in self.short_sequences:
            rule = f"a divisor of model.block_size {block_size}"
            require(block_size % length == 0, "batch.short_sequences", length, rule)

    def in_whole_rows(self, block_size: int) -> "BatchConfiguration":
        """The same with every update rounded down to rows of so many tokens, but to one at least."""
        return self._with_sizes(lambda tokens: max(1, tokens // block_size) * block_size)

    def at_most(self, tokens_per_update: int) -> "BatchConfiguration":
        """The same with no update larger than this."""
        return self._with_sizes(lambda tokens: min(tokens, tokens_per_update))

    def _with_sizes(self, size: Callable[[int], int]) -> "BatchConfiguration":
        return dataclasses.replace(
            self,
            tokens_per_update=size(self.tokens_per_update),
            smaller_updates=tuple((fraction, size(tokens)) for fraction, tokens in self.smaller_updates),
        )


def _require_stages(name: str, stages: Any, value: str, example: str) -> None:
    """Raise ConfigurationError for anything but pairs of rising fractions and whole numbers of tokens."""
    rule = f"a list of pairs of a fraction and {value}, such as {example}"
    require(isinstance(stages, tuple), name, stages, rule)
    before = 0.0
    for stage in stages:
        require(isinstance(stage, tuple) and len(stage) == 2 and all(map(is_number, stage)), name, stage, rule)
        fraction, tokens = stage
        require(before < fraction <= 1, name, fraction, "rising fractions above 0 and up to 1")
        require(isinstance(tokens, int) and tokens >= 1, name, tokens, "a whole number of tokens, at least 1")
        before = fraction
