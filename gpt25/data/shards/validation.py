"""The fixed windows on which every validation loss is measured."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch

from gpt25.data.shards.token_shards import TokenShards
from gpt25.errors import ConfigurationError, DataError


class Validation:
    """Fixed non-overlapping windows of the shards: the same for every seed, rank and micro-batch.

    number_of_tokens: predicted tokens, rounded down to whole windows of `block_size`; None takes all there are. More
    than there are is refused rather than measured on less: a loss over other tokens is another figure.
    selection: "first" takes the windows from the start, as the published figures on FineWeb do; "even" spreads them
    over all there are, which stands for a small set of long documents better than its first few do.
    vocabulary_size: ids beyond it are refused when read; the shards' own by default.
    """

    def __init__(
        self,
        shards: TokenShards,
        block_size: int,
        number_of_tokens: int | None = None,
        *,
        vocabulary_size: int | None = None,
        selection: Literal["first", "even"] = "first",
    ) -> None:
        if block_size < 1:
            raise ConfigurationError(f"block_size must be at least 1, not {block_size}")
        available = (shards.number_of_tokens - 1) // block_size
        where = shards.paths[0].parent
        if available < 1:
            raise DataError(
                f"{where} has {shards.number_of_tokens:,} validation tokens, too few for one block: {block_size:,} + 1 "
                "are needed. Give more text, a larger validation fraction (prepared shards: into another directory), "
                "or a smaller block size."
            )
        wanted = available if number_of_tokens is None else number_of_tokens // block_size
        if wanted < 1:
            raise ConfigurationError(
                f"validation on {number_of_tokens} tokens is less than one block of {block_size:,}; ask for more"
            )
        if wanted > available:
            raise DataError(
                f"validation on {number_of_tokens:,} tokens was asked for; {where} has enough for "
                f"{available * block_size:,} in blocks of {block_size:,}. Ask for at most that many."
            )
        self.shards = shards
        self.block_size = block_size
        self.number_of_windows = wanted
        self._stride = available // wanted if selection == "even" else 1
        self.vocabulary_size = shards.vocabulary_size if vocabulary_size is None else vocabulary_size

    @property
    def number_of_tokens(self) -> int:
        """Predicted tokens of all ranks together."""
        return self.number_of_windows * self.block_size

    def micro_batches(
        self, rows: int, rank: int = 0, number_of_ranks: int = 1
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Inputs and labels, int64 (up to `rows`, block_size) each, of this rank's contiguous share of the windows.

        The shares differ by at most one window and the last micro-batch may be smaller, so sum losses over tokens and
        divide by `number_of_tokens`; averaging micro-batches would weigh them wrongly.
        """
        if rows < 1 or not 0 <= rank < number_of_ranks:
            raise ConfigurationError(f"cannot read {rows} rows at a time for rank {rank} of {number_of_ranks}")
        first = self.number_of_windows * rank // number_of_ranks
        last = self.number_of_windows * (rank + 1) // number_of_ranks
        return (self._windows(start, min(rows, last - start)) for start in range(first, last, rows))

    def _windows(self, first: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        windows = np.empty((count, self.block_size + 1), dtype=np.int64)  # (count, block_size + 1)
        for row in range(count):
            start = (first + row) * self._stride * self.block_size
            tokens = self.shards.tokens(start, self.block_size + 1)
            self.shards.require_known_ids(tokens, start=start, vocabulary_size=self.vocabulary_size)
            windows[row] = tokens
        both = torch.from_numpy(windows)
        return both[:, :-1].contiguous(), both[:, 1:].contiguous()  # (count, block_size) each
