"""Public token shards by the name of their set: which there are, and whether they are here."""

from pathlib import Path

from gpt25.data.fetching.public_sets import PUBLIC_SETS, PublicSet
from gpt25.data.fetching.ready_made_shards import list_ready_made
from gpt25.data.fetching.row_shards import list_row_shards
from gpt25.data.fetching.shard_listing import ShardListing
from gpt25.data.shards.checked_shards import CheckedShards
from gpt25.data.shards.prepared_data import INDEX_NAME, TOKENIZER_NAME, PreparedData
from gpt25.data.sources.document import SPLITS
from gpt25.errors import ConfigurationError
from gpt25.storage import is_file
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
        return list_ready_made(name, chosen)
    return list_row_shards(name, chosen, commit=None if directory is None else _commit_of(Path(directory), chosen))


def public_set(name: str) -> PublicSet:
    """The set of that name; raises ConfigurationError that names all of them."""
    if name not in PUBLIC_SETS:
        raise ConfigurationError(f"there is no public set {name!r}; there are {', '.join(PUBLIC_SETS)}")
    return PUBLIC_SETS[name]


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


def _commit_of(directory: Path, chosen: PublicSet) -> str | None:
    """The commit that shards of a set in a directory were made from; None where there are none."""
    sources = [CheckedShards.read(directory).source]
    if is_file(directory / INDEX_NAME):
        sources = [*PreparedData.read(directory).sources, *sources]
    return next((source.partition("@")[2] for source in sources if source.startswith(f"{chosen.source}@")), None)
