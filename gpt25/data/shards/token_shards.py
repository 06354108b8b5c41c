"""Open the shards of one split as one long sequence of tokens, read where they are wanted."""

import bisect
import glob
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from gpt25.data.shards.arriving_data import ArrivingData, ArrivingFiles
from gpt25.data.shards.joined_parts import holds_parts
from gpt25.data.shards.prepared_data import ARRIVING_NAME, INDEX_NAME, PARTIAL_NAME, PreparedData
from gpt25.data.shards.read_prepared_data import read_prepared_data
from gpt25.data.shards.shard_file import ShardFile
from gpt25.data.shards.shard_format import (
    HEADER_BYTES,
    TOKEN_BYTES,
    read_shard_header,
    require_16_bit_vocabulary,
)
from gpt25.data.sources.document import SPLITS, Split
from gpt25.errors import ConfigurationError, DataError
from gpt25.storage import is_directory, is_file, matching

if TYPE_CHECKING:
    from gpt25.tokenizer import Tokenizer

_MOST_OPEN = 100
"""Of 256 files that macOS lets a process open; those beyond, 10 billion tokens at the usual size, are opened to read.
"""


class Arrival(Protocol):
    """Files of shards that come one after the other."""

    def tokens(self, path: Path) -> int:
        """How many a file has or will have."""

    def is_there(self, path: Path) -> bool:
        """Whether a file is there as a whole."""


class TokenShards:
    """The tokens of some shard files, in order, as if they were one array; opening reads only the headers.

    `number_of_bytes` is the UTF-8 length of the text behind the tokens where an index told it, else None. `arrival`
    counts the tokens of files that are not there yet, which must be before they are read.
    Raises DataError naming file and offset for a shard with a wrong magic, version or size, or when there is none.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        vocabulary_size: int,
        fingerprint: str | None,
        number_of_bytes: int | None,
        arrival: Arrival | None = None,
    ) -> None:
        require_16_bit_vocabulary(vocabulary_size)
        self.paths = tuple(paths)
        self.vocabulary_size = vocabulary_size
        self.fingerprint = fingerprint
        self.number_of_bytes = number_of_bytes
        counts = [
            arrival.tokens(path) if arrival is not None and not arrival.is_there(path) else read_shard_header(path)
            for path in self.paths
        ]
        self.tokens_of_files = tuple(counts)
        self._arrival = arrival
        self._ends = list(accumulate(counts))
        self._files = [
            ShardFile(path, count, stays_open=number < _MOST_OPEN)
            for number, (path, count) in enumerate(zip(self.paths, counts, strict=True))
        ]

    @property
    def number_of_tokens(self) -> int:
        """Tokens in all files together."""
        return self._ends[-1] if self._ends else 0

    def missing(self, paths: Sequence[Path]) -> list[Path]:
        """Those of some files that are still to come; none where all were there from the beginning."""
        return [] if self._arrival is None else [path for path in paths if not self._arrival.is_there(path)]

    def tokens(self, start: int, count: int) -> NDArray[np.uint16]:
        """Tokens start…start+count-1, (count,) uint16; DataError for a file that was cut short since it was opened."""
        if start < 0 or count < 0 or start + count > self.number_of_tokens:
            raise DataError(
                f"tokens {start:,} to {start + count:,} were asked for; there are {self.number_of_tokens:,}"
            )
        parts = []
        number = bisect.bisect_right(self._ends, start)
        while count > 0:
            file = self._files[number]
            local = start - (self._ends[number] - file.number_of_tokens)
            part = file.tokens(local, min(count, file.number_of_tokens - local))
            parts.append(part)
            start, count, number = start + len(part), count - len(part), number + 1
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint16)  # (count,)

    def locate(self, position: int) -> tuple[Path, int]:
        """The file that holds the token at `position`, and the byte at which it stands there."""
        number = bisect.bisect_right(self._ends, position)
        local = position - (self._ends[number] - self._files[number].number_of_tokens)
        return self.paths[number], HEADER_BYTES + TOKEN_BYTES * local

    def require_known_ids(self, tokens: NDArray[np.uint16], *, start: int, vocabulary_size: int) -> None:
        """Raise DataError naming file and byte of the first id in `tokens`, read at `start`, beyond the vocabulary."""
        if not len(tokens) or int(tokens.max()) < vocabulary_size:
            return
        index = int(np.argmax(tokens >= vocabulary_size))
        path, offset = self.locate((start + index) % self.number_of_tokens)
        raise DataError(
            f"{path}: token {int(tokens[index]):,} at byte {offset:,} is beyond the vocabulary of {vocabulary_size:,}; "
            "the shard is damaged or was made with another tokenizer"
        )


def open_shards(
    directory: str | Path,
    split: Split,
    *,
    tokenizer: "Tokenizer | None" = None,
    fingerprint: str | None = None,
    vocabulary_size: int | None = None,
) -> TokenShards:
    """The shards of one split of a prepared directory, or of any folder or glob of llm.c's .bin files.

    With an index, a `tokenizer` or `fingerprint` other than the one that made the shards is refused, naming both.
    Without one, `tokenizer` or `vocabulary_size` must be given, and file names tell the split: they hold "train" or
    "val", as fineweb_train_000001.bin and fineweb_val_000000.bin do.

    Raises DataError where there is nothing to read, where the preparation was not finished, or where a shard's header
    or size is wrong.
    """
    if split not in SPLITS:
        raise ConfigurationError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
    folder = Path(directory)
    if split == "validation" and not is_file(folder / INDEX_NAME) and (arriving := ArrivingData.read(folder)):
        return _open_arriving(arriving, split, tokenizer=tokenizer, fingerprint=fingerprint)
    is_begun = is_directory(folder / PARTIAL_NAME) or is_file(folder / ARRIVING_NAME)
    if is_file(folder / INDEX_NAME) or is_begun or holds_parts(folder):
        return _open_prepared(read_prepared_data(folder), split, tokenizer=tokenizer, fingerprint=fingerprint)
    paths = _shards_without_index(directory, split)
    if tokenizer is not None:
        vocabulary_size, fingerprint = tokenizer.vocabulary_size, tokenizer.fingerprint
    if vocabulary_size is None:
        raise DataError(
            f"{directory} has no {INDEX_NAME} that tells which tokenizer made its shards; name the tokenizer"
        )
    return TokenShards(paths, vocabulary_size=vocabulary_size, fingerprint=fingerprint, number_of_bytes=None)


def open_arriving_shards(directory: str | Path, split: Split, *, tokenizer: "Tokenizer | None" = None) -> TokenShards:
    """The same of a directory into which shards are being fetched: those that are not there yet are counted with them.

    They must be there before they are read, see `TokenShards.missing`. Raises as `open_shards` does.
    """
    arriving = ArrivingData.read(directory)
    if arriving is None:
        return open_shards(directory, split, tokenizer=tokenizer)
    return _open_arriving(arriving, split, tokenizer=tokenizer, fingerprint=None)


def _open_arriving(
    data: ArrivingData, split: Split, *, tokenizer: "Tokenizer | None", fingerprint: str | None
) -> TokenShards:
    _require_same_tokenizer(data, tokenizer, fingerprint)
    files = data.train if split == "train" else data.validation.shards
    return TokenShards(
        [data.directory / shard.file for shard in files],
        vocabulary_size=data.vocabulary_size,
        fingerprint=data.tokenizer_fingerprint,
        number_of_bytes=None if split == "train" else data.validation.bytes,
        arrival=ArrivingFiles(data) if split == "train" else None,
    )


def _require_same_tokenizer(
    data: PreparedData | ArrivingData, tokenizer: "Tokenizer | None", fingerprint: str | None
) -> None:
    """Raise DataError, naming both, where shards were made with another tokenizer than the wanted one."""
    wanted = tokenizer.fingerprint if tokenizer is not None else fingerprint
    if wanted is not None and wanted != data.tokenizer_fingerprint:
        name = f"{tokenizer.name} ({wanted})" if tokenizer is not None else wanted
        raise DataError(
            f"{data.directory} was prepared with the tokenizer {data.tokenizer_name} ({data.tokenizer_fingerprint}), "
            f"not with {name}. Prepare the text again with the wanted tokenizer, or use the one in "
            f"{data.directory / 'tokenizer'}."
        )


def _open_prepared(
    data: PreparedData, split: Split, *, tokenizer: "Tokenizer | None", fingerprint: str | None
) -> TokenShards:
    _require_same_tokenizer(data, tokenizer, fingerprint)
    part = data.split(split)
    if not part.shards:
        raise DataError(
            f"{data.directory} has no {split} tokens: its {data.train.documents + data.validation.documents:,} "
            f"documents were split with a validation fraction of {data.validation_fraction}. Prepare it "
            "with another fraction, or more documents, in another directory."
        )
    shards = TokenShards(
        [data.directory / shard.file for shard in part.shards],
        vocabulary_size=data.vocabulary_size,
        fingerprint=data.tokenizer_fingerprint,
        number_of_bytes=part.bytes,
    )
    if shards.number_of_tokens != part.tokens:
        raise DataError(
            f"{data.directory / INDEX_NAME} says {part.tokens:,} {split} tokens, the shards hold "
            f"{shards.number_of_tokens:,}; `gpt25 data verify` names the file"
        )
    return shards


def _shards_without_index(directory: str | Path, split: Split) -> list[Path]:
    folder = Path(directory)
    if is_directory(folder):
        files = matching(folder, "*.bin")
    else:
        names = glob.glob(str(directory), recursive=True)
        files = sorted(Path(name) for name in names if not is_directory(name))
    if not files:
        raise DataError(f"there are no token shards (.bin) at {directory}; `gpt25 data prepare` makes some from text")
    word = "train" if split == "train" else "val"
    chosen = [path for path in files if word in path.name and (split == "train" or "train" not in path.name)]
    if not chosen:
        raise DataError(
            f"none of the {len(files):,} shards at {directory} has {word!r} in its name, such as {files[0].name}"
        )
    return chosen
