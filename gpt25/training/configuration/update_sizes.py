"""How many rows every update of a run reads, and where in the data it begins."""

import math

from gpt25.training.configuration.batch_configuration import BatchConfiguration


class UpdateSizes:
    """Rows and tokens of a run's updates, which are counted from 0: pure arithmetic, the same for any ranks.

    An update belongs to the first stage of batch.smaller_updates whose fraction of the run's updates it lies before;
    behind the last stage it has batch.tokens_per_update. Its rows begin where those of the update before it end, so
    that training reads every row of the data's order once, whatever the sizes.
    """

    def __init__(self, batch: BatchConfiguration, *, block_size: int, number_of_updates: int) -> None:
        self._block_size = block_size
        self._full = batch.tokens_per_update // block_size
        self._stages: list[tuple[int, int, int]] = []
        """(first update, the update that the next stage begins with, rows of each); none without an update."""
        for fraction, tokens in [*batch.smaller_updates, (1.0, batch.tokens_per_update)]:
            begin = self._stages[-1][1] if self._stages else 0
            end, rows = math.ceil(fraction * number_of_updates), tokens // block_size
            if self._stages and self._stages[-1][2] == rows:
                begin = self._stages.pop()[0]
            if end > begin:
                self._stages.append((begin, end, rows))

    @property
    def all_rows(self) -> list[int]:
        """The rows that updates can have, in the order in which they first do."""
        return list(dict.fromkeys(rows for _, _, rows in self._stages))

    def rows(self, update: int) -> int:
        """Rows of an update; those behind the last one are like it."""
        return next((rows for _, end, rows in self._stages if update < end), self._stages[-1][2])

    def rows_before(self, update: int) -> int:
        """Rows of all updates before this one: the place in the data's order at which it begins."""
        *_, (_, end, rows) = self._stages
        counted = sum((min(update, end) - begin) * rows for begin, end, rows in self._stages if begin < update)
        return counted + max(0, update - end) * rows

    def tokens(self, update: int) -> int:
        """Tokens of an update."""
        return self.rows(update) * self._block_size

    def tokens_before(self, update: int) -> int:
        """Tokens of all updates before this one."""
        return self.rows_before(update) * self._block_size

    def key_of(self, rows: int) -> str:
        """The recipe's key that decides updates of so many rows, for errors."""
        return "batch.tokens_per_update" if rows == self._full else "batch.smaller_updates"

    def __str__(self) -> str:
        """In words: "131,072 tokens up to update 3,815, 262,144 up to update 9,537, then 524,288"."""
        sizes = [f"{rows * self._block_size:,}" for _, _, rows in self._stages]
        sizes[0] += " tokens"
        words = [f"{size} up to update {end:,}" for size, (_, end, _) in zip(sizes, self._stages, strict=True)]
        return ", ".join([*words[:-1], ("then " if len(words) > 1 else "") + sizes[-1]])
