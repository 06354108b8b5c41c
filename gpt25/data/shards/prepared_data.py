"""What `prepare` made: the contents of index.json beside the shards."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gpt25.data.formats.text_policy import DocumentCounts
from gpt25.data.sources.document import Split, SplitRule
from gpt25.data.sources.part import Part
from gpt25.errors import CorruptFileError, DataError
from gpt25.storage import is_directory, is_file, read_object, record_from, write_json
from gpt25.storage.reading.field_types import Count, Fraction, PlainName, Sha256
from gpt25.storage.reading.json_values import short
from gpt25.tokenizer import SpecialTokens

INDEX_NAME = "index.json"
PARTIAL_NAME = ".partial"
ARRIVING_NAME = "arriving.json"
DOWNLOADS_NAME = "downloads"
"""Where files of the Hub lie, in the folder of an unfinished preparation."""
TOKENIZER_NAME = "tokenizer"
_FORMAT = "gpt25 token shards"
_VERSION = 1
_AGAIN = " Prepare the data again in another directory, or fetch it again."
_UNLESS_USUAL = {"special_tokens": "text", "special_token_names": 0, "licence": None}


@dataclass(frozen=True)
class ShardRecord:
    """One shard file: its name in the directory, its tokens and the SHA-256 of the whole file."""

    file: PlainName
    tokens: Count
    sha256: Sha256


@dataclass(frozen=True)
class PreparedSplit:
    """One split: tokens (with one end-of-text token a document), documents, UTF-8 bytes of the text, and its shards."""

    tokens: Count
    documents: Count
    bytes: Count
    shards: tuple[ShardRecord, ...]


@dataclass(frozen=True)
class PreparedPart:
    """Which part of how many a directory holds, and a hash of the names and sizes of the files of all parts."""

    number: Count
    count: Count
    sources_sha256: str

    @classmethod
    def of(cls, part: Part, sources_sha256: str) -> "PreparedPart":
        """The record of a part."""
        return cls(part.number, part.count, sources_sha256)


@dataclass(frozen=True)
class PreparedData:
    """A finished directory of shards: which text, which tokenizer, which split, which files.

    `bytes` of a split counts the text alone, not the end-of-text tokens, so that bits per byte are
    loss in nats × tokens / ln 2 / bytes.
    """

    directory: Path
    tokenizer_name: str
    tokenizer_fingerprint: str
    vocabulary_size: Count
    end_of_text_id: Count
    train: PreparedSplit
    validation: PreparedSplit
    validation_fraction: Fraction
    split_rule: SplitRule
    tokens_per_shard: Count
    sources: tuple[str, ...]
    source_fingerprint: str | None
    content_sha256: str
    counts: DocumentCounts
    validation_tokens: Count | None = None
    part: PreparedPart | None = None
    special_tokens: SpecialTokens = "text"
    special_token_names: Count = 0
    """How many names of special tokens the text holds: text like any other, or parsed, as `special_tokens` says."""
    licence: str | None = None
    """Of public shards, in words."""

    def split(self, name: Split) -> PreparedSplit:
        """The named split."""
        return self.train if name == "train" else self.validation

    def as_json(self) -> dict[str, Any]:
        """The JSON object of index.json; it does not name the directory."""
        content = asdict(self)
        del content["directory"]
        for name, usual in _UNLESS_USUAL.items():  # so that data in which there are none is the same in every release
            if content[name] == usual:
                del content[name]
        return {"format": _FORMAT, "version": _VERSION, **content}

    def write(self) -> None:
        """Write index.json atomically: from then on the directory counts as finished."""
        write_json(self.directory / INDEX_NAME, self.as_json())

    @classmethod
    def read(cls, directory: str | Path) -> "PreparedData":
        """Read the directory's own index.json; DataError where there is none, CorruptFileError where it is not ours.

        Older indexes lack the last fields. One that this release does not know is an error: `version` would tell of it.

        A directory of parts has none: `read_prepared_data` reads either.
        """
        directory = Path(directory)
        path = directory / INDEX_NAME
        if not is_file(path):
            raise DataError(_advice_without_index(directory))
        try:
            content = read_object(path)
        except CorruptFileError as problem:
            raise CorruptFileError(f"{problem}.{_AGAIN}") from problem
        if content.pop("format", None) != _FORMAT:
            raise CorruptFileError(f"{path} is not an index of token shards.{_AGAIN}")
        if (version := content.pop("version", None)) != _VERSION:
            raise CorruptFileError(f"{path} has version {short(version)}; this release reads {_VERSION}.{_AGAIN}")
        content["directory"] = directory  # which no index names
        data = record_from(content, cls, where=str(path), more_keys="refused", advice=_AGAIN)
        if data.end_of_text_id >= data.vocabulary_size:
            raise CorruptFileError(
                f"{path}: end_of_text_id is {data.end_of_text_id:,}; it must be below the vocabulary_size "
                f"{data.vocabulary_size:,}.{_AGAIN}"
            )
        return data


def _advice_without_index(directory: Path) -> str:
    if not is_directory(directory):
        return f"there is no directory {directory}; `gpt25 data prepare` makes one"
    if is_file(directory / ARRIVING_NAME):
        return f"the fetching into {directory} was not finished; run the same `gpt25 data fetch` again and it goes on"
    if is_directory(directory / PARTIAL_NAME):
        return (
            f"the preparation in {directory} was not finished; run the same `gpt25 data prepare` again and it goes on"
        )
    return f"{directory} has no {INDEX_NAME}, so it holds no data that `gpt25 data prepare` finished"
