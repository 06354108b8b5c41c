"""What was counted in shards when every byte of them was read, so that it need not be done again."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from gpt25.data.shards.shard_contents import ShardContents
from gpt25.errors import CorruptFileError
from gpt25.storage import is_file, read_record, write_json
from gpt25.storage.paths.path_questions import path_status
from gpt25.storage.reading.field_types import Count, PlainName, Sha256

CHECKED_NAME = "checked.json"


@dataclass(frozen=True)
class CheckedShard:
    """A shard's contents, and the file's size and time of change when they were read."""

    tokens: Count
    documents: Count
    bytes: Count
    sha256: Sha256
    file_bytes: Count
    changed_nanoseconds: Count


@dataclass
class CheckedShards:
    """checked.json in a directory of fetched shards; a damaged one counts as empty: then the shards are read again.

    `gpt25 data verify` reads every byte whatever this says.
    """

    source: str = ""
    """What the shards come from, with the commit where that matters."""
    shards: dict[PlainName, CheckedShard] = field(default_factory=dict)

    @classmethod
    def read(cls, directory: Path) -> "CheckedShards":
        """What stands in a directory."""
        path = directory / CHECKED_NAME
        try:
            return read_record(path, cls, more_keys="ignored") if is_file(path) else cls()
        except CorruptFileError:
            return cls()

    @classmethod
    def of(cls, directory: Path, source: str) -> "CheckedShards":
        """What stands in a directory of shards that come from `source`; nothing where they come from elsewhere."""
        found = cls.read(directory)
        return found if found.source == source else cls(source)

    def sha256(self, name: str) -> str | None:
        """The hash of a file of that name when it was read; None where it was not."""
        return self.shards[name].sha256 if name in self.shards else None

    def contents(self, path: Path) -> ShardContents | None:
        """What was counted in a file, where its size and time of change are still the same; None elsewhere."""
        known, status = self.shards.get(path.name), path_status(path)
        if known is None or status is None:
            return None
        if (status.st_size, status.st_mtime_ns) != (known.file_bytes, known.changed_nanoseconds):
            return None
        return ShardContents(known.tokens, known.documents, known.bytes, known.sha256)

    def keep(self, path: Path, contents: ShardContents) -> None:
        """Note what was just counted in a file, and write it down beside it."""
        status = path_status(path)
        if status is None:
            return
        self.shards[path.name] = CheckedShard(
            **dataclasses.asdict(contents), file_bytes=status.st_size, changed_nanoseconds=status.st_mtime_ns
        )
        write_json(path.parent / CHECKED_NAME, dataclasses.asdict(self))
