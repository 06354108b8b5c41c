"""Shards that lie on the Hub as they are used."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gpt25.data.fetching.public_sets import PublicSet
from gpt25.data.fetching.shard_listing import WantedShard, with_first_train
from gpt25.data.shards.shard_format import HEADER_BYTES, TOKEN_BYTES
from gpt25.data.sources.document import Split
from gpt25.data.sources.hub_address import HubAddress
from gpt25.data.sources.hub_download import HubFetcher
from gpt25.data.sources.hub_listing import HubFile, list_hub_files
from gpt25.errors import DataError


@dataclass(frozen=True)
class ReadyMadeShards:
    """The shards of a set at one commit, validation first; see ShardListing."""

    name: str
    public_set: PublicSet
    shards: tuple[WantedShard, ...]
    files: dict[str, HubFile]
    """Of the shards, by their names."""

    @property
    def source(self) -> str:
        """The set without the commit: a shard that was fetched once stays the same one."""
        return self.public_set.source

    def first(self, number_of_shards: int) -> "ReadyMadeShards":
        """The validation shard and so many training shards."""
        return replace(self, shards=with_first_train(self.shards, number_of_shards))

    def getter(self, missing: Sequence[WantedShard], folder: Path) -> Callable[[WantedShard], Path]:
        """Fetches the next one of `missing` while one is looked at."""
        fetcher = HubFetcher([self.files[shard.name] for shard in missing], folder)
        return lambda shard: fetcher.path(self.files[shard.name])


def list_ready_made(name: str, public_set: PublicSet) -> ReadyMadeShards:
    """All of a set's shards; raises DataError where the Hub does not answer or has none under these names."""
    prefix = public_set.prefix
    pattern = re.compile(rf"{re.escape(prefix)}_(val|train)_(\d{{6}})\.bin")
    splits: dict[str, Split] = {"val": "validation", "train": "train"}
    shards, files = [], {}
    for file in list_hub_files(HubAddress(public_set.repository, "main", "*.bin")):
        if match := pattern.fullmatch(file.path):
            tokens = max(0, file.size - HEADER_BYTES) // TOKEN_BYTES
            shards.append(WantedShard(splits[match[1]], file.path, tokens, file.size, file.sha256))
            files[file.path] = file
    if {shard.split for shard in shards} != {"train", "validation"}:
        raise DataError(f"{public_set.repository} on the Hub has no shards {prefix}_val_… and {prefix}_train_…")
    return ReadyMadeShards(name, public_set, with_first_train(shards, len(shards)), files)
