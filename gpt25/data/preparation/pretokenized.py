"""Public token shards in llm.c's format, fetched from the Hub as they are and given an index."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

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
from gpt25.data.sources.hub_address import HubAddress
from gpt25.data.sources.hub_download import HubFetcher
from gpt25.data.sources.hub_listing import HubFile, list_hub_files
from gpt25.data.sources.text_policy import DocumentCounts
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

_TOKENS_PER_SHARD = 100_000_000


@dataclass(frozen=True)
class PretokenizedSet:
    """A data set of the Hub that holds PREFIX_val_000000.bin and PREFIX_train_000001.bin, …, made with GPT-2's tokens.

    Source of the names: KellerJordan/modded-nanogpt, data/cached_fineweb10B.py and data/cached_finewebedu10B.py.
    """

    repository: str
    prefix: str


PRETOKENIZED_SETS = {
    "fineweb10B": PretokenizedSet("kjj0/fineweb10B-gpt2", "fineweb"),
    "finewebedu10B": PretokenizedSet("kjj0/finewebedu10B-gpt2", "finewebedu"),
}


@dataclass(frozen=True)
class HubShard:
    """A shard on the Hub and the split that its name tells."""

    split: Split
    file: HubFile


def list_shards(name: str, *, number_of_shards: int | None = None) -> list[HubShard]:
    """The validation shard and the first training shards of a named set, all unless a number is given.

    Raises ConfigurationError for a name or a number that cannot be, DataError where the Hub does not answer.
    """
    if name not in PRETOKENIZED_SETS:
        raise ConfigurationError(f"there is no pre-tokenised set {name!r}; there are {', '.join(PRETOKENIZED_SETS)}")
    chosen = PRETOKENIZED_SETS[name]
    pattern = re.compile(rf"{re.escape(chosen.prefix)}_(val|train)_(\d{{6}})\.bin")
    matches = [
        (match, file)
        for file in list_hub_files(HubAddress(chosen.repository, "main", "*.bin"))
        if (match := pattern.fullmatch(file.path))
    ]
    validation = [HubShard("validation", file) for match, file in matches if match[1] == "val"]
    train = [HubShard("train", file) for match, file in matches if match[1] == "train"]
    if not validation or not train:
        raise DataError(
            f"{chosen.repository} on the Hub has no shards {chosen.prefix}_val_… and {chosen.prefix}_train_…"
        )
    if number_of_shards is not None and not 1 <= number_of_shards <= len(train):
        raise ConfigurationError(f"{name} has {len(train):,} training shards; {number_of_shards:,} cannot be fetched")
    return [*validation, *train[:number_of_shards]]


def fetch_shards(
    shards: Iterable[HubShard], directory: str | Path, *, progress: Callable[[int], None] | None = None
) -> PreparedData:
    """Fetch shards that are not there yet, check every byte, and write index.json and GPT-2's tokenizer beside them.

    Each has the size and SHA-256 that the Hub lists, llm.c's header, and ids of GPT-2's vocabulary; documents and bytes
    of text are counted from the tokens. What was fetched before an interruption is not fetched again; shards of an
    earlier, larger call stay in the index. `progress` is told the bytes of shards that are safe.

    Raises DataError for a directory of other data, and where the Hub or a shard is not as it should be.
    """
    directory, wanted, tokenizer = Path(directory), list(shards), Tokenizer.gpt2()
    known = _indexed_shards(directory, wanted)
    for name in (PARTIAL_NAME, TOKENIZER_NAME):
        require_no_way_out(directory / name, of=directory)
    partial = require_writable_directory(directory / PARTIAL_NAME)
    fetcher = HubFetcher([shard.file for shard in wanted if not exists(directory / shard.file.path)], partial)
    contents: dict[Split, dict[str, ShardContents]] = {split: {} for split in SPLITS}
    for shard in wanted:
        path = directory / shard.file.path
        shard_contents = read_shard_contents(path, tokenizer) if exists(path) else None
        if shard_contents is None or shard_contents.sha256 != (shard.file.sha256 or shard_contents.sha256):
            fetched = fetcher.path(shard.file)
            shard_contents = read_shard_contents(fetched, tokenizer)
            try:
                os.replace(fetched, path)
            except OSError as problem:
                raise storage_error(problem, path, "cannot write") from problem
        contents[shard.split][path.name] = shard_contents
        if progress is not None:
            progress(shard.file.size)
    for split, name in known:
        if name not in contents[split]:
            contents[split][name] = read_shard_contents(directory / name, tokenizer)
    with atomic_directory(directory / TOKENIZER_NAME) as folder:
        tokenizer.save(folder)
    data = _index(directory, wanted[0].file, tokenizer, contents)
    data.write()
    shutil.rmtree(partial, ignore_errors=True)
    remove_leftovers(directory)
    return data


def _indexed_shards(directory: Path, wanted: list[HubShard]) -> list[tuple[Split, str]]:
    """What an earlier call's index lists; DataError where the directory is not one of this set."""
    if not is_file(directory / INDEX_NAME):
        return []
    data = PreparedData.read(directory)
    source = _source(wanted[0].file)
    if data.sources != (source,):
        raise DataError(
            f"{directory} holds data of {', '.join(data.sources) or 'documents'}, not of {source}; choose another "
            "output directory"
        )
    return [(split, shard.file) for split in SPLITS for shard in data.split(split).shards]


def _source(file: HubFile) -> str:
    return f"hf://datasets/{file.repository}"


def _index(
    directory: Path, file: HubFile, tokenizer: Tokenizer, contents: dict[Split, dict[str, ShardContents]]
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
        tokens_per_shard=_TOKENS_PER_SHARD,
        sources=(_source(file),),
        source_fingerprint=None,
        content_sha256=hashlib.sha256("".join(hashes).encode()).hexdigest(),
        counts=DocumentCounts(),
    )
