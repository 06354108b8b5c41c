"""Shards made of rows of token ids that lie on the Hub as JSON lines."""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gpt25.data.fetching.hub_range import fetch_hub_range
from gpt25.data.fetching.public_sets import PublicSet, TokenRows
from gpt25.data.fetching.row_stretches import RowStretch, RowStretches
from gpt25.data.fetching.shard_listing import WantedShard, with_first_train
from gpt25.data.fetching.token_rows import row_tokens
from gpt25.data.shards.permutation import Permutation
from gpt25.data.shards.shard_format import TOKEN_DTYPE, shard_header
from gpt25.data.sources.hub_address import HubAddress
from gpt25.data.sources.hub_listing import HubFile, list_hub_files
from gpt25.errors import DataError
from gpt25.storage import atomic_file
from gpt25.tokenizer import Tokenizer

_AT_ONCE = 8  # requests on their way: what hides the time of an answer, and 100 MB of memory


@dataclass(frozen=True)
class RowShards:
    """The shards that a set's rows make, validation first; see ShardListing.

    A shard is a pure function of the commit and of its number, and no document is in two of them.
    """

    name: str
    public_set: PublicSet
    rows: TokenRows
    files: tuple[HubFile, ...]
    shards: tuple[WantedShard, ...]

    @property
    def source(self) -> str:
        """The set at the commit: of another one the same stretches may hold other rows."""
        return f"{self.public_set.source}@{self.files[0].commit}"

    def first(self, number_of_shards: int) -> "RowShards":
        """The validation shard and so many training shards."""
        return replace(self, shards=with_first_train(self.shards, number_of_shards))

    def getter(self, missing: Sequence[WantedShard], folder: Path) -> Callable[[WantedShard], Path]:
        """Makes a shard when it is asked for; up to eight stretches of it are on their way at a time."""
        stretches, numbers = _stretches(self.public_set, self.rows, self.files), _numbers(self.shards)
        tokenizer = Tokenizer.gpt2()

        def make(shard: WantedShard) -> Path:
            number = numbers[shard]
            documents = self._documents(*stretches.of_shard(number), shard, tokenizer.end_of_text_id)
            order = Permutation(len(documents), seed=0, path=(self.public_set.prefix, number))
            path = folder / shard.name
            _write_shard(
                path, [documents[place] for place in order(np.arange(len(documents)))], shard, tokenizer.end_of_text_id
            )
            return path

        return make

    def _documents(
        self, stretches: Sequence[RowStretch], spare: Sequence[RowStretch], shard: WantedShard, end_of_text_id: int
    ) -> list[NDArray[np.uint16]]:
        """Documents with as many tokens as a shard has, each with its end-of-text token counted, or a few more.

        Every stretch gives an equal part, and what one lacks the following ones, the spare ones at last.
        """
        share = shard.tokens // len(stretches) + 1
        likely = int(share * self.rows.usual_bytes_per_token)
        documents: list[NDArray[np.uint16]] = []
        taken = 0
        begun = chain(_begun(stretches, likely), ((stretch, _begin(stretch, likely)) for stretch in spare))
        for number, (stretch, content) in enumerate(begun, start=1):
            wanted = min(number * share, shard.tokens) - taken
            for document in _rows(stretch, content, wanted, end_of_text_id):
                documents.append(document)
                taken += len(document) + 1
            if taken >= shard.tokens:
                return documents
        raise DataError(
            f"{shard.name}: the rows of {number:,} stretches of {self.source} give {taken:,} tokens of "
            f"{shard.tokens:,}: the set is not as it was when gpt25 learned to read it. Look for a newer release, or "
            "fetch another set."
        )


def list_row_shards(name: str, public_set: PublicSet, *, commit: str | None = None) -> RowShards:
    """All shards that a set's rows make, at a commit, or at the newest; raises DataError where there are too few rows.

    The first shard is held out for validation, as in llm.c's FineWeb.
    """
    rows, prefix = public_set.rows, public_set.prefix
    assert rows is not None
    pattern = re.compile(rows.pattern)
    listed = list_hub_files(HubAddress(public_set.repository, commit or "main", "*.jsonl"))
    matches = [(int(match[1]), file) for file in listed if (match := pattern.fullmatch(file.path))]
    files = tuple(file for _, file in sorted(matches, key=lambda pair: pair[0]))
    count = _stretches(public_set, rows, files).number_of_shards if files else 0
    if count < 2:
        raise DataError(
            f"{public_set.repository} on the Hub has {len(files):,} files of rows, which are too few for a shard to "
            "train on and one to validate on"
        )
    tokens = public_set.tokens_per_shard
    download = public_set.download_bytes_per_shard
    shards = [WantedShard("validation", f"{prefix}_val_000000.bin", tokens, download, None)]
    shards += [
        WantedShard("train", f"{prefix}_train_{number:06d}.bin", tokens, download, None) for number in range(1, count)
    ]
    return RowShards(name, public_set, rows, files, tuple(shards))


def _stretches(public_set: PublicSet, rows: TokenRows, files: Sequence[HubFile]) -> RowStretches:
    per_stretch = public_set.tokens_per_shard // rows.stretches_per_shard
    return RowStretches(
        files, stretch_bytes=per_stretch * rows.bytes_per_token, stretches_per_shard=rows.stretches_per_shard
    )


def _numbers(shards: Sequence[WantedShard]) -> dict[WantedShard, int]:
    """The number of every shard, which is that of its place: the validation shard is the first one."""
    return {shard: number for number, shard in enumerate(shards)}


def _begun(stretches: Sequence[RowStretch], likely: int) -> Iterator[tuple[RowStretch, bytes]]:
    """Every stretch with its first bytes, which are likely to be enough; the following ones are on their way."""
    waiting: deque[tuple[RowStretch, Future[bytes]]] = deque()
    for stretch in stretches:
        waiting.append((stretch, _meanwhile(partial(_begin, stretch, likely))))
        if len(waiting) == _AT_ONCE:
            first, content = waiting.popleft()
            yield first, content.result()
    for stretch, content in waiting:
        yield stretch, content.result()


def _begin(stretch: RowStretch, likely: int) -> bytes:
    """The first bytes, with the one before them, which tells whether a row begins where the stretch does."""
    return fetch_hub_range(stretch.file, max(0, stretch.start - 1), min(stretch.start + likely, stretch.end))


def _meanwhile(get: Callable[[], bytes]) -> Future[bytes]:
    future = Future[bytes]()

    def fetch() -> None:
        try:
            future.set_result(get())
        except BaseException as problem:
            future.set_exception(problem)

    threading.Thread(target=fetch, daemon=True).start()  # a daemon, which Ctrl-C need not wait for
    return future


def _rows(stretch: RowStretch, begun: bytes, wanted: int, end_of_text_id: int) -> Iterator[NDArray[np.uint16]]:
    """Documents of a stretch, until they and their end-of-text tokens are `wanted` tokens or the stretch ends."""
    content = begun
    offset = max(0, stretch.start - 1)  # of the content's first byte in the file
    place = 0 if stretch.start == 0 else content.find(b"\n") + 1  # the first row that begins in the stretch
    if stretch.start and not place:
        return  # one row is longer than all of it
    while wanted > 0:
        end = content.find(b"\n", place)
        if end < 0:
            read = offset + len(content)
            if read >= stretch.end:
                return  # the row goes on behind the stretch
            content += fetch_hub_range(stretch.file, read, stretch.end)
            continue
        where = f"{stretch.file.name}, the row at byte {offset + place:,}"
        line, place = content[place:end], end + 1
        document = row_tokens(line, end_of_text_id=end_of_text_id, where=where) if line.strip() else None
        if document is not None and len(document):
            yield document
            wanted -= len(document) + 1


def _write_shard(path: Path, documents: Sequence[NDArray[np.uint16]], shard: WantedShard, end_of_text_id: int) -> None:
    """Write documents, each behind its end-of-text token; the last one is cut where the shard is full."""
    left = shard.tokens
    with atomic_file(path) as temporary, open(temporary, "wb") as file:
        file.write(shard_header(shard.tokens))
        for document in documents:
            tokens = np.concatenate([[end_of_text_id], document])[:left].astype(TOKEN_DTYPE)  # (tokens,)
            file.write(tokens.tobytes())
            left -= len(tokens)
