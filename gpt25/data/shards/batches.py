"""The order in which training reads windows of tokens: a pure function of seed, update and rank."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from gpt25.data.shards.permutation import Permutation
from gpt25.data.shards.token_shards import TokenShards
from gpt25.errors import ConfigurationError, DataError
from gpt25.runtime import derive_seed


class Batches:
    """Windows of block_size + 1 tokens in an endless order: every epoch once through all, newly shuffled.

    Window w of an epoch begins at token w × block_size + the epoch's offset, below block_size, so that a token does
    not stand at the same position in every epoch. The tokens are read as a ring: the window that crosses the end goes
    on at the beginning, where a document begins. Memory does not grow with the number of tokens.

    Raises DataError where there are too few tokens for one window, and, when a window is read, naming file and byte,
    for an id that the vocabulary does not have.
    """

    def __init__(self, shards: TokenShards, *, block_size: int, seed: int, vocabulary_size: int) -> None:
        if block_size < 1:
            raise ConfigurationError(f"block_size must be at least 1, not {block_size}")
        if shards.number_of_tokens < block_size + 1:
            raise DataError(
                f"{shards.paths[0].parent} has {shards.number_of_tokens:,} tokens, too few for one block: "
                f"{block_size:,} + 1 are needed. Give more text or a smaller block size."
            )
        self.shards = shards
        self.block_size = block_size
        self.seed = seed
        self.vocabulary_size = vocabulary_size
        self._epoch_order: tuple[int, int, Permutation] | None = None

    @property
    def windows_per_epoch(self) -> int:
        """Windows that an epoch reads: (tokens - 1) // block_size."""
        return (self.shards.number_of_tokens - 1) // self.block_size

    def starts(self, first: int, count: int) -> NDArray[np.int64]:
        """First tokens of the windows at indices first…first+count-1 of the endless order, (count,)."""
        if first < 0 or count < 0:
            raise ConfigurationError(f"indices start at 0 and counts are not negative, not {first} and {count}")
        indices = np.arange(first, first + count, dtype=np.int64)  # (count,)
        epochs, within = np.divmod(indices, self.windows_per_epoch)
        starts = np.empty(count, dtype=np.int64)
        for epoch in np.unique(epochs):
            chosen = epochs == epoch
            offset, order = self._order_of(int(epoch))
            starts[chosen] = order(within[chosen]) * self.block_size + offset
        return starts

    def _order_of(self, epoch: int) -> tuple[int, Permutation]:
        """An epoch's offset and permutation; the last one is remembered, since updates walk through one epoch."""
        if self._epoch_order is None or self._epoch_order[0] != epoch:
            offset = derive_seed(self.seed, "windows", epoch, "offset") % self.block_size
            order = Permutation(self.windows_per_epoch, seed=self.seed, path=("windows", epoch))
            self._epoch_order = (epoch, offset, order)
        return self._epoch_order[1], self._epoch_order[2]

    def micro_batch(self, first: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and labels, int64 (count, block_size) each, of the windows at indices first…first+count-1."""
        inputs = np.empty((count, self.block_size), dtype=np.int64)  # (count, block_size)
        labels = np.empty((count, self.block_size), dtype=np.int64)  # (count, block_size)
        for row, start in enumerate(self.starts(first, count).tolist()):
            window = self._window(start)
            inputs[row], labels[row] = window[:-1], window[1:]
        return torch.from_numpy(inputs), torch.from_numpy(labels)

    def _window(self, start: int) -> NDArray[np.uint16]:
        """The block_size + 1 tokens that begin at `start`, going on at token 0 after the last one."""
        length, total = self.block_size + 1, self.shards.number_of_tokens
        start %= total
        before_end = min(length, total - start)
        tokens = self.shards.tokens(start, before_end)
        if before_end < length:
            tokens = np.concatenate([tokens, self.shards.tokens(0, length - before_end)])  # (block_size + 1,)
        self.shards.require_known_ids(tokens, start=start, vocabulary_size=self.vocabulary_size)
        return tokens

    def for_update(
        self,
        update: int,
        *,
        rows_per_update: int,
        micro_batch_rows: int,
        rank: int = 0,
        number_of_ranks: int = 1,
        first_row: int | None = None,
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The micro-batches of one update, counted from 0, that belong to a rank.

        It reads the windows from `first_row` on, where the update before it ended; None where all updates have as many
        rows, so that update u begins at u × rows_per_update. Rank r has the r-th of `number_of_ranks` equal contiguous
        slices. So all ranks' rows, one after the other, are the same batch for any number of ranks and any
        micro-batch. Raises ConfigurationError, before anything is read, where the rows cannot be shared equally.
        """
        if min(rows_per_update, micro_batch_rows, number_of_ranks) < 1 or not 0 <= rank < number_of_ranks or update < 0:
            raise ConfigurationError(
                f"cannot share update {update} of {rows_per_update} rows in micro-batches of {micro_batch_rows} "
                f"for rank {rank} of {number_of_ranks}: updates and ranks count from 0, the rest from 1"
            )
        if rows_per_update % (number_of_ranks * micro_batch_rows):
            raise ConfigurationError(
                f"{rows_per_update:,} rows per update cannot be shared equally: {number_of_ranks} ranks × "
                f"micro-batches of {micro_batch_rows} rows = {number_of_ranks * micro_batch_rows:,} does not divide "
                f"{rows_per_update:,}. Change the micro-batch, the number of ranks or the tokens per update."
            )
        rows_per_rank = rows_per_update // number_of_ranks
        begin = update * rows_per_update if first_row is None else first_row
        first = begin + rank * rows_per_rank
        indices = range(first, first + rows_per_rank, micro_batch_rows)
        return (self.micro_batch(index, micro_batch_rows) for index in indices)
