"""Public token shards by name: which there are, and fetching them with every byte checked."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from gpt25.data.fetching.checked_shards import CHECKED_NAME, CheckedShards
from gpt25.data.fetching.public_sets import PUBLIC_SETS, PublicSet
from gpt25.data.fetching.ready_made_shards import list_ready_made
from gpt25.data.fetching.row_shards import list_row_shards
from gpt25.data.fetching.shard_listing import ShardListing
from gpt25.data.formats.text_policy import DocumentCounts
from gpt25.data.shards.prepared_data import (
    INDEX_NAME,
    PARTIAL_NAME,
    TOKENIZER_NAME,
    PreparedData,
    PreparedSplit,
    ShardRecord,
)
from gpt25.data.shards.shard_contents import ShardContents, read_shard_contents
from gpt25.data.sources.document import SPLITS, Split
from gpt25.errors import ConfigurationError, DataError
from gpt25.storage import (
    atomic_directory,
    exists,
    is_file,
    remove_leftovers,
    require_no_way_out,
    require_writable_directory,
)
from gpt25.storage.atomic import storage_error
from gpt25.tokenizer import Tokenizer


def list_shards(name: str, *, number_of_shards: int | None = None, directory: str | Path | None = None) -> ShardListing:
    """The validation shard and the first training shards of a named set, all unless a number is given.

    directory: where they will be; what shards of it were made from, at which commit, is gone on with.

    Raises ConfigurationError for a name or a number that cannot be, DataError where the Hub does not answer.
    """
    chosen = public_set(name)
    if chosen.rows is not None and number_of_shards is None:
        raise ConfigurationError(f"{name} has far more text than fits a disk; say how many shards (--shards 51)")
    listing = list_public_set(name, directory=directory)
    if number_of_shards is None:
        return listing
    train = sum(shard.split == "train" for shard in listing.shards)
    if not 1 <= number_of_shards <= train:
        raise ConfigurationError(f"{name} has {train:,} training shards; {number_of_shards:,} cannot be fetched")
    return listing.first(number_of_shards)


def list_public_set(name: str, *, directory: str | Path | None = None) -> ShardListing:
    """All shards of a named set; raises as `list_shards` does."""
    chosen = public_set(name)
    if chosen.rows is None:
        return list_ready_made(chosen)
    return list_row_shards(chosen, commit=None if directory is None else _commit_of(Path(directory), chosen))


def public_set(name: str) -> PublicSet:
    """The set of that name; raises ConfigurationError that names all of them."""
    if name not in PUBLIC_SETS:
        raise ConfigurationError(f"there is no public set {name!r}; there are {', '.join(PUBLIC_SETS)}")
    return PUBLIC_SETS[name]


def fetch_shards(
    listing: ShardListing, directory: str | Path, *, progress: Callable[[int], None] | None = None
) -> PreparedData:
    """Fetch shards that are not there yet, check every byte, and write index.json and GPT-2's tokenizer beside them.

    Each has llm.c's header, ids of GPT-2's vocabulary, documents, and where the Hub has the shard itself the SHA-256
    that it lists; documents and bytes of text are counted from the tokens. What was fetched before an interruption is
    not fetched again; shards of an earlier, larger call stay in the index. `progress` is told the bytes of shards that
    are safe.

    Raises DataError for a directory of other data, and where the Hub or a shard is not as it should be.
    """
    directory, tokenizer = Path(directory), Tokenizer.gpt2()
    known = _indexed_shards(directory, listing)
    for name in (PARTIAL_NAME, TOKENIZER_NAME, CHECKED_NAME):
        require_no_way_out(directory / name, of=directory)
    partial = require_writable_directory(directory / PARTIAL_NAME)
    checked = CheckedShards.of(directory, listing.source)
    get = listing.getter([shard for shard in listing.shards if not exists(directory / shard.name)], partial)
    contents: dict[Split, dict[str, ShardContents]] = {split: {} for split in SPLITS}
    for shard in listing.shards:
        path = directory / shard.name
        found = _existing(path, shard.sha256 or checked.sha256(shard.name), tokenizer)
        if found is None:
            fetched = get(shard)
            found = read_shard_contents(fetched, tokenizer)
            _require_documents(found, fetched, tokenizer)
            try:
                os.replace(fetched, path)
            except OSError as problem:
                raise storage_error(problem, path, "cannot write") from problem
        checked.keep(path, found)
        contents[shard.split][shard.name] = found
        if progress is not None:
            progress(shard.download_bytes)
    for split, name in known:
        if name not in contents[split]:
            contents[split][name] = found = read_shard_contents(directory / name, tokenizer)
            checked.keep(directory / name, found)
    with atomic_directory(directory / TOKENIZER_NAME) as folder:
        tokenizer.save(folder)
    data = _index(directory, listing, tokenizer, contents)
    data.write()
    shutil.rmtree(partial, ignore_errors=True)
    remove_leftovers(directory)
    return data


def is_fetched(directory: str | Path, name: str, number_of_shards: int) -> bool:
    """Whether a directory holds so many training shards of a named set, as they were when every byte was read.

    It goes by the index and by the files' sizes and times of change, asks nobody and reads no shard. A set that has
    fewer shards is never enough. Raises ConfigurationError for a name that cannot be, CorruptFileError for a damaged
    index, StorageError where the directory cannot be looked at.
    """
    directory, chosen = Path(directory), public_set(name)
    if not is_file(directory / INDEX_NAME) or not Tokenizer.is_in(directory / TOKENIZER_NAME):
        return False
    data = PreparedData.read(directory)
    if [source.partition("@")[0] for source in data.sources] != [chosen.source] or len(
        data.train.shards
    ) < number_of_shards:
        return False
    checked = CheckedShards.read(directory)
    found = {shard: checked.contents(directory / shard.file) for split in SPLITS for shard in data.split(split).shards}
    return all(contents is not None and contents.sha256 == shard.sha256 for shard, contents in found.items())


def _existing(path: Path, sha256: str | None, tokenizer: Tokenizer) -> ShardContents | None:
    """What stands in a shard that is there and is the wanted one; None where it has to be fetched, anew or at all."""
    if sha256 is None or not exists(path):
        return None
    try:
        found = read_shard_contents(path, tokenizer)
    except DataError:  # cut short, or no shard: another one takes its place
        return None
    return found if found.sha256 == sha256 else None


def _require_documents(found: ShardContents, path: Path, tokenizer: Tokenizer) -> None:
    """Raise DataError for tokens of no document: nothing would tell the model where one text ends."""
    if not found.documents:
        raise DataError(
            f"{path}: none of its {found.tokens:,} tokens is the end-of-text token {tokenizer.end_of_text_id:,}, which "
            "stands before every document: they are tokens of something else"
        )


def _commit_of(directory: Path, chosen: PublicSet) -> str | None:
    """The commit that shards of a set in a directory were made from; None where there are none."""
    sources = [CheckedShards.read(directory).source]
    if is_file(directory / INDEX_NAME):
        sources = [*PreparedData.read(directory).sources, *sources]
    return next((source.partition("@")[2] for source in sources if source.startswith(f"{chosen.source}@")), None)


def _indexed_shards(directory: Path, listing: ShardListing) -> list[tuple[Split, str]]:
    """What an earlier call's index lists; DataError where the directory is not one of this set."""
    if not is_file(directory / INDEX_NAME):
        return []
    data = PreparedData.read(directory)
    if data.sources != (listing.source,):
        raise DataError(
            f"{directory} holds data of {', '.join(data.sources) or 'documents'}, not of {listing.source}; choose "
            "another output directory"
        )
    return [(split, shard.file) for split in SPLITS for shard in data.split(split).shards]


def _index(
    directory: Path, listing: ShardListing, tokenizer: Tokenizer, contents: dict[Split, dict[str, ShardContents]]
) -> PreparedData:
    splits = {}
    for split, shards in contents.items():
        records = tuple(ShardRecord(name, shards[name].tokens, shards[name].sha256) for name in sorted(shards))
        splits[split] = PreparedSplit(
            tokens=sum(shard.tokens for shard in shards.values()),
            documents=sum(shard.documents for shard in shards.values()),
            bytes=sum(shard.bytes for shard in shards.values()),
            shards=records,
        )
    hashes = [record.sha256 for split in SPLITS for record in splits[split].shards]
    return PreparedData(
        directory=directory,
        tokenizer_name=tokenizer.name,
        tokenizer_fingerprint=tokenizer.fingerprint,
        vocabulary_size=tokenizer.vocabulary_size,
        end_of_text_id=tokenizer.end_of_text_id,
        train=splits["train"],
        validation=splits["validation"],
        validation_fraction=0.0,
        validation_tokens=splits["validation"].tokens,
        split_rule="first",
        tokens_per_shard=listing.public_set.tokens_per_shard,
        sources=(listing.source,),
        source_fingerprint=None,
        content_sha256=hashlib.sha256("".join(hashes).encode()).hexdigest(),
        counts=DocumentCounts(),
        licence=listing.public_set.licence,
    )
