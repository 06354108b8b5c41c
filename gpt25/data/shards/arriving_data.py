"""Shards that are being fetched: what there will be, while only some of it is there."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gpt25.data.shards.checked_shards import CheckedShards
from gpt25.data.shards.prepared_data import ARRIVING_NAME, PreparedSplit
from gpt25.storage import is_file, read_object, record_from, write_json
from gpt25.storage.reading.field_types import Count, PlainName


@dataclass(frozen=True)
class ArrivingShard:
    """One training shard: its name in the directory, and the tokens that it has or will have."""

    file: PlainName
    tokens: Count


@dataclass(frozen=True)
class ArrivingData:
    """arriving.json in a directory of shards: from when the validation split is there until index.json is written."""

    directory: Path
    name: str
    """Of the set, as `gpt25 data fetch` calls it."""
    sources: tuple[str, ...]
    tokenizer_name: str
    tokenizer_fingerprint: str
    vocabulary_size: Count
    validation: PreparedSplit
    train: tuple[ArrivingShard, ...]

    def write(self) -> None:
        """Write arriving.json atomically."""
        content: dict[str, Any] = asdict(self)
        del content["directory"]
        write_json(self.directory / ARRIVING_NAME, content)

    @classmethod
    def read(cls, directory: str | Path) -> "ArrivingData | None":
        """What is on its way into a directory; None where nothing is. Raises CorruptFileError for a damaged record."""
        path = Path(directory) / ARRIVING_NAME
        if not is_file(path):
            return None
        content = read_object(path)
        content["directory"] = Path(directory)  # which the file does not name
        return record_from(content, cls, where=str(path), more_keys="refused")


class ArrivingFiles:
    """The training shards of a directory while they come; see Arrival. One is there when it has been checked."""

    def __init__(self, data: ArrivingData) -> None:
        self._tokens = {shard.file: shard.tokens for shard in data.train}
        self._directory = data.directory

    def tokens(self, path: Path) -> int:
        """As many as the set's listing says."""
        return self._tokens[path.name]

    def is_there(self, path: Path) -> bool:
        """Whether checked.json has it, as it is."""
        return CheckedShards.read(self._directory).contents(path) is not None
