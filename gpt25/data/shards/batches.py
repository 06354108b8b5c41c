"""The order in which training reads windows of tokens: a pure function of seed, update and rank."""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gpt25.data.shards.permutation import Permutation
from gpt25.data.shards.shard_groups import shard_groups
from gpt25.data.shards.token_shards import TokenShards
from gpt25.errors import ConfigurationError, DataError
from gpt25.runtime import derive_seed


@dataclass(frozen=True)
class _Ring:
    """Some shards, one after the other, as a ring of tokens."""

    paths: tuple[Path, ...]
    start: int
    """Of its first token among those of all shards."""
    tokens: int


def _rings(shards: TokenShards, shards_per_group: int | None) -> Iterator[_Ring]:
    """All shards as one ring, or groups of so many, the last one with what is left over."""
    start = 0
    for group in shard_groups(len(shards.paths), shards_per_group):
        places = slice(group.start, group.stop)
        tokens = sum(shards.tokens_of_files[places])
        yield _Ring(shards.paths[places], start, tokens)
        start += tokens


class Batches:
    """Windows of block_size + 1 tokens in an endless order: every epoch once through all, newly shuffled.

    Window w of an epoch begins at token w × block_size + the epoch's offset, below block_size, so that a token does
    not stand at the same position in every epoch. The tokens are read as a ring: the window that crosses the end goes
    on at the beginning, where a document begins. Memory does not grow with the number of tokens.

    With `shards_per_group`, every so many shards are a ring of their own, the last one with what is left, and an epoch
    goes through one ring after the other: training needs the later shards later.

    Raises DataError where there are too few tokens for one window, and, when a window is read, naming file and byte,
    for an id that the vocabulary does not have.
    """

    def __init__(
        self,
        shards: TokenShards,
        *,
        block_size: int,
        seed: int,
        vocabulary_size: int,
        shards_per_group: int | None = None,
    ) -> None:
        if block_size < 1:
            raise ConfigurationError(f"block_size must be at least 1, not {block_size}")
        self.shards = shards
        self.block_size = block_size
        self.seed = seed
        self.vocabulary_size = vocabulary_size
        self._rings = list(_rings(shards, shards_per_group))
        for ring in self._rings:
            if ring.tokens < block_size + 1:
                raise DataError(
                    f"{ring.paths[0].parent} has {ring.tokens:,} tokens, too few for one block: {block_size:,} + 1 are "
                    "needed. Give more text or a smaller block size."
                )
        self._ends = list(accumulate((ring.tokens - 1) // block_size for ring in self._rings))  # in windows
        self._order: tuple[int, int, int, Permutation] | None = None

    @property
    def windows_per_epoch(self) -> int:
        """Windows that an epoch reads: (tokens - 1) // block_size, of every group of shards."""
        return self._ends[-1]

    def starts(self, first: int, count: int) -> NDArray[np.int64]:
        """First tokens of the windows at indices first…first+count-1 of the endless order, (count,)."""
        if first < 0 or count < 0:
            raise ConfigurationError(f"indices start at 0 and counts are not negative, not {first} and {count}")
        indices = np.arange(first, first + count, dtype=np.int64)  # (count,)
        epochs, within = np.divmod(indices, self.windows_per_epoch)
        rings = np.searchsorted(self._ends, within, side="right")  # (count,)
        starts = np.empty(count, dtype=np.int64)
        for epoch, number in sorted({*zip(epochs.tolist(), rings.tolist(), strict=True)}):
            chosen = (epochs == epoch) & (rings == number)
            offset, order = self._order_of(epoch, number)
            windows = order(within[chosen] - (self._ends[number - 1] if number else 0))
            starts[chosen] = windows * self.block_size + offset + self._rings[number].start
        return starts

    def _order_of(self, epoch: int, number: int) -> tuple[int, Permutation]:
        """A ring's offset and permutation in an epoch; the last one is remembered, since updates walk through it."""
        if self._order is None or self._order[:2] != (epoch, number):
            path = ("windows", epoch) if len(self._rings) == 1 else ("windows", epoch, "group", number)
            offset = derive_seed(self.seed, *path, "offset") % self.block_size
            windows = self._ends[number] - (self._ends[number - 1] if number else 0)
            self._order = (epoch, number, offset, Permutation(windows, seed=self.seed, path=path))
        return self._order[2], self._order[3]

    def paths_of(self, first: int, count: int) -> tuple[Path, ...]:
        """The shards in whose groups the windows at indices first…first+count-1 lie: all, where all are one group."""
        within = np.arange(first, first + count, dtype=np.int64) % self.windows_per_epoch  # (count,)
        numbers = np.unique(np.searchsorted(self._ends, within, side="right"))
        return tuple(path for number in numbers.tolist() for path in self._rings[number].paths)

    def micro_batch(self, first: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and labels, int64 (count, block_size) each, of the windows at indices first…first+count-1."""
        inputs = np.empty((count, self.block_size), dtype=np.int64)  # (count, block_size)
        labels = np.empty((count, self.block_size), dtype=np.int64)  # (count, block_size)
        for row, start in enumerate(self.starts(first, count).tolist()):
            window = self._window(start)
            inputs[row], labels[row] = window[:-1], window[1:]
        return torch.from_numpy(inputs), torch.from_numpy(labels)

    def _window(self, start: int) -> NDArray[np.uint16]:
        """The block_size + 1 tokens that begin at `start`, going on at its ring's first token after the last one."""
        ring = self._rings[bisect.bisect_right(self._rings, start, key=lambda ring: ring.start) - 1]
        length = self.block_size + 1
        before_end = min(length, ring.start + ring.tokens - start)
        tokens = self._known_tokens(start, before_end)
        if before_end < length:
            tokens = np.concatenate([tokens, self._known_tokens(ring.start, length - before_end)])  # (block_size + 1,)
        return tokens

    def _known_tokens(self, start: int, count: int) -> NDArray[np.uint16]:
        tokens = self.shards.tokens(start, count)
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
