"""Which shards of a public set are wanted, and where they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gpt25.data.fetching.public_sets import PublicSet
from gpt25.data.sources.document import Split


@dataclass(frozen=True)
class WantedShard:
    """A shard by the name of its file."""

    split: Split
    name: str
    tokens: int
    """As many as the Hub's sizes tell, or as every shard of the set has."""
    download_bytes: int
    """What goes through the network for it, about."""
    sha256: str | None
    """None where nothing tells it before the shard is there."""


class ShardListing(Protocol):
    """Shards of one commit of a public set."""

    @property
    def name(self) -> str:
        """Of the set."""

    @property
    def public_set(self) -> PublicSet:
        """The set."""

    @property
    def source(self) -> str:
        """How an index names what they come from: the set, and where that matters the commit."""

    @property
    def shards(self) -> Sequence[WantedShard]:
        """Validation first, then training, in order."""

    def first(self, number_of_shards: int) -> "ShardListing":
        """The validation shards and the first training shards, all where there are fewer."""

    def getter(self, missing: Sequence[WantedShard], folder: Path) -> Callable[[WantedShard], Path]:
        """What puts a shard of `missing`, asked for in order, into `folder` and returns its path; raises DataError."""


def with_first_train(shards: Sequence[WantedShard], number_of_shards: int) -> tuple[WantedShard, ...]:
    """The validation shards and so many training shards of them."""
    train = [shard for shard in shards if shard.split == "train"]
    return (*(shard for shard in shards if shard.split == "validation"), *train[:number_of_shards])
