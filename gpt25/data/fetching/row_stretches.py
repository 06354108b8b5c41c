"""Which stretches of the files of a set make which shard: each shard is a sample of the whole set.

The rows of such a set need not be mixed: those of Nemotron-ClimbMix lie sorted by cluster, so that a hundred million
tokens in a row are of one topic.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gpt25.data.sources.hub_listing import HubFile

_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class RowStretch:
    """The rows that lie wholly in these bytes of a file."""

    file: HubFile
    start: int
    end: int


class RowStretches:
    """All stretches of a set, of one length, in an order of which every piece is spread evenly over all the bytes.

    It is the multiples of the golden ratio, modulo one: no other step leaves smaller gaps, however many are taken
    (Knuth, The Art of Computer Programming, volume 3, section 6.4, theorem S). No stretch comes twice.
    """

    def __init__(self, files: Sequence[HubFile], *, stretch_bytes: int, stretches_per_shard: int) -> None:
        self._files = list(files)
        self._bytes = stretch_bytes
        self._per_shard = stretches_per_shard
        self._spare = math.ceil(stretches_per_shard / 5)
        self._counts = [file.size // stretch_bytes for file in self._files]
        self._total = sum(self._counts)
        self._step = _coprime_near(round(self._total * _GOLDEN), self._total)

    @property
    def number_of_shards(self) -> int:
        """As many as there are whole ones, with spare stretches."""
        return self._total // (self._per_shard + self._spare)

    def of_shard(self, number: int) -> tuple[list[RowStretch], list[RowStretch]]:
        """The stretches of a shard, counted from 0, and the fifth as many that it has besides where those lack rows."""
        first = number * (self._per_shard + self._spare)
        places = range(first, first + self._per_shard + self._spare)
        found = [self._at(place * self._step % self._total) for place in places]
        return found[: self._per_shard], found[self._per_shard :]

    def _at(self, place: int) -> RowStretch:
        """The stretch at a place, where those of one file follow those of the one before it."""
        for file, count in zip(self._files, self._counts, strict=True):
            if place < count:
                return RowStretch(file, place * self._bytes, (place + 1) * self._bytes)
            place -= count
        raise AssertionError("a place is below the number of stretches")


def _coprime_near(wanted: int, total: int) -> int:
    """The first number from `wanted` on that has no divisor in common with `total`: _coprime_near(6, 10) -> 7."""
    return next((step for step in range(max(1, wanted), wanted + total) if math.gcd(step, total) == 1), 1)
