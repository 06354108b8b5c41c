"""Fetch the shards of a public set into a directory, every byte checked, and give them an index."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from gpt25.data.fetching.shard_listing import ShardListing, WantedShard
from gpt25.data.formats.text_policy import DocumentCounts
from gpt25.data.shards.arriving_data import ArrivingData, ArrivingShard
from gpt25.data.shards.checked_shards import CHECKED_NAME, CheckedShards
from gpt25.data.shards.prepared_data import (
    ARRIVING_NAME,
    INDEX_NAME,
    PARTIAL_NAME,
    TOKENIZER_NAME,
    PreparedData,
    PreparedSplit,
    ShardRecord,
)
from gpt25.data.shards.shard_contents import ShardContents, read_shard_contents
from gpt25.data.sources.document import SPLITS, Split
from gpt25.errors import DataError
from gpt25.storage import (
    atomic_directory,
    exclusive_lock,
    exists,
    is_file,
    remove_leftovers,
    require_no_way_out,
    require_writable_directory,
)
from gpt25.storage.atomic import storage_error
from gpt25.tokenizer import Tokenizer

_LOCK_NAME = "lock"


def fetch_shards(
    listing: ShardListing,
    directory: str | Path,
    *,
    progress: Callable[[int], None] | None = None,
    trusting: bool = False,
) -> PreparedData:
    """Fetch shards that are not there yet, check every byte, and write index.json and GPT-2's tokenizer beside them.

    Each has llm.c's header, ids of GPT-2's vocabulary, documents, and where the Hub has the shard itself the SHA-256
    that it lists; documents and bytes of text are counted from the tokens. What was fetched before an interruption is
    not fetched again; shards of an earlier, larger call stay in the index. `progress` is told the bytes of shards that
    are safe. Validation comes first; from then on until all is there, arriving.json says what is to come.

    trusting: shards whose size and time of change are those that were noted when they were read through are not read
    through again.

    Raises DataError for a directory of other data, and where the Hub or a shard is not as it should be; StorageError
    where another process fetches there.
    """
    directory = Path(directory)
    known = _indexed(directory, listing)
    for name in (PARTIAL_NAME, TOKENIZER_NAME, CHECKED_NAME, ARRIVING_NAME):
        require_no_way_out(directory / name, of=directory)
    partial = require_writable_directory(directory / PARTIAL_NAME)
    advice = "Wait for it, or choose another output directory."
    with exclusive_lock(partial / _LOCK_NAME, of=str(directory), advice=advice):
        (directory / ARRIVING_NAME).unlink(missing_ok=True)  # of a call that was killed
        data = _Fetch(listing, directory, known, trusting=trusting).all(progress or (lambda _: None))
        data.write()
        (directory / ARRIVING_NAME).unlink(missing_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
    remove_leftovers(directory)
    return data


class _Fetch:
    """One call's shards, one after the other."""

    def __init__(
        self, listing: ShardListing, directory: Path, known: dict[Split, tuple[ShardRecord, ...]], *, trusting: bool
    ) -> None:
        self._listing = listing
        self._directory = directory
        self._known = known
        self._trusting = trusting
        self._tokenizer = Tokenizer.gpt2()
        self._checked = CheckedShards.of(directory, listing.source)
        self._contents: dict[Split, dict[str, ShardContents]] = {split: {} for split in SPLITS}
        missing = [shard for shard in listing.shards if not exists(directory / shard.name)]
        self._get = listing.getter(missing, directory / PARTIAL_NAME)

    def all(self, progress: Callable[[int], None]) -> PreparedData:
        """Every shard of the listing and of the index before it; returns the new index, which is not written yet."""
        is_announced = False
        for shard in self._listing.shards:
            if shard.split == "train" and not is_announced:
                self._announce()
                is_announced = True
            self._one(shard)
            progress(shard.download_bytes)
        for split, records in self._known.items():
            for record in records:
                if record.file not in self._contents[split]:
                    path = self._directory / record.file
                    self._keep(split, path, self._read_again(path) or read_shard_contents(path, self._tokenizer))
        return self._index()

    def _one(self, shard: WantedShard) -> None:
        path = self._directory / shard.name
        indexed = {record.file: record.sha256 for record in self._known.get(shard.split, ())}
        found = self._existing(path, shard.sha256 or indexed.get(shard.name) or self._checked.sha256(shard.name))
        if found is None:
            fetched = self._get(shard)
            found = read_shard_contents(fetched, self._tokenizer)
            if not found.documents:
                raise DataError(
                    f"{fetched}: none of its {found.tokens:,} tokens is the end-of-text token "
                    f"{self._tokenizer.end_of_text_id:,}, which stands before every document: they are tokens of "
                    "something else"
                )
            try:
                os.replace(fetched, path)
            except OSError as problem:
                raise storage_error(problem, path, "cannot write") from problem
        self._keep(shard.split, path, found)

    def _existing(self, path: Path, sha256: str | None) -> ShardContents | None:
        """What stands in a shard that is there and is the wanted one; None where it is to be fetched."""
        if sha256 is None or not exists(path):
            return None
        try:
            found = self._read_again(path) or read_shard_contents(path, self._tokenizer)
        except DataError:  # cut short, or no shard: another one takes its place
            return None
        return found if found.sha256 == sha256 else None

    def _read_again(self, path: Path) -> ShardContents | None:
        """What was counted before, where that may be trusted."""
        return self._checked.contents(path) if self._trusting else None

    def _keep(self, split: Split, path: Path, found: ShardContents) -> None:
        self._checked.keep(path, found)
        self._contents[split][path.name] = found

    def _announce(self) -> None:
        """Say what is to come: from now on the validation split can be read, and training shards as they come."""
        with atomic_directory(self._directory / TOKENIZER_NAME) as folder:
            self._tokenizer.save(folder)
        train = {record.file: record.tokens for record in self._known.get("train", ())}
        train |= {shard.name: shard.tokens for shard in self._listing.shards if shard.split == "train"}
        ArrivingData(
            directory=self._directory,
            name=self._listing.name,
            sources=(self._listing.source,),
            tokenizer_name=self._tokenizer.name,
            tokenizer_fingerprint=self._tokenizer.fingerprint,
            vocabulary_size=self._tokenizer.vocabulary_size,
            validation=_split(self._contents["validation"]),
            train=tuple(ArrivingShard(name, train[name]) for name in sorted(train)),
        ).write()

    def _index(self) -> PreparedData:
        splits = {split: _split(contents) for split, contents in self._contents.items()}
        hashes = [record.sha256 for split in SPLITS for record in splits[split].shards]
        return PreparedData(
            directory=self._directory,
            tokenizer_name=self._tokenizer.name,
            tokenizer_fingerprint=self._tokenizer.fingerprint,
            vocabulary_size=self._tokenizer.vocabulary_size,
            end_of_text_id=self._tokenizer.end_of_text_id,
            train=splits["train"],
            validation=splits["validation"],
            validation_fraction=0.0,
            validation_tokens=splits["validation"].tokens,
            split_rule="first",
            tokens_per_shard=self._listing.public_set.tokens_per_shard,
            sources=(self._listing.source,),
            source_fingerprint=None,
            content_sha256=hashlib.sha256("".join(hashes).encode()).hexdigest(),
            counts=DocumentCounts(),
            licence=self._listing.public_set.licence,
        )


def _split(shards: dict[str, ShardContents]) -> PreparedSplit:
    return PreparedSplit(
        tokens=sum(shard.tokens for shard in shards.values()),
        documents=sum(shard.documents for shard in shards.values()),
        bytes=sum(shard.bytes for shard in shards.values()),
        shards=tuple(ShardRecord(name, shards[name].tokens, shards[name].sha256) for name in sorted(shards)),
    )


def _indexed(directory: Path, listing: ShardListing) -> dict[Split, tuple[ShardRecord, ...]]:
    """What an earlier call's index lists; DataError where the directory is not one of this set."""
    if not is_file(directory / INDEX_NAME):
        return {}
    data = PreparedData.read(directory)
    if data.sources != (listing.source,):
        raise DataError(
            f"{directory} holds data of {', '.join(data.sources) or 'documents'}, not of {listing.source}; choose "
            "another output directory"
        )
    return {split: data.split(split).shards for split in SPLITS}
