"""What `prepare` made: the contents of index.json beside the shards."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gpt25.data.sources.document import Split, SplitRule
from gpt25.data.sources.part import Part
from gpt25.data.sources.text_policy import DocumentCounts
from gpt25.errors import CorruptFileError, DataError
from gpt25.storage import is_directory, is_file, read_json, write_json
from gpt25.tokenizer import SpecialTokens

INDEX_NAME = "index.json"
PARTIAL_NAME = ".partial"
TOKENIZER_NAME = "tokenizer"
_FORMAT = "gpt25 token shards"
_VERSION = 1
_UNLESS_USUAL = {"special_tokens": "text", "special_token_names": 0}


@dataclass(frozen=True)
class ShardRecord:
    """One shard file: its name in the directory, its tokens and the SHA-256 of the whole file."""

    file: str
    tokens: int
    sha256: str


@dataclass(frozen=True)
class PreparedSplit:
    """One split: tokens (with one end-of-text token a document), documents, UTF-8 bytes of the text, and its shards."""

    tokens: int
    documents: int
    bytes: int
    shards: tuple[ShardRecord, ...]


@dataclass(frozen=True)
class PreparedPart:
    """Which part of how many a directory holds, and a hash of the names and sizes of the files of all parts."""

    number: int
    count: int
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
    vocabulary_size: int
    end_of_text_id: int
    train: PreparedSplit
    validation: PreparedSplit
    validation_fraction: float
    split_rule: SplitRule
    tokens_per_shard: int
    sources: tuple[str, ...]
    source_fingerprint: str | None
    content_sha256: str
    counts: DocumentCounts
    validation_tokens: int | None = None
    part: PreparedPart | None = None
    special_tokens: SpecialTokens = "text"
    special_token_names: int = 0
    """How many names of special tokens the text holds: text like any other, or parsed, as `special_tokens` says."""

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

        A directory of parts has none: `read_prepared_data` reads either.
        """
        directory = Path(directory)
        path = directory / INDEX_NAME
        if not is_file(path):
            raise DataError(_advice_without_index(directory))
        content = read_json(path)
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise CorruptFileError(f"{path} is not an index of token shards")
        if content.get("version") != _VERSION:
            raise CorruptFileError(f"{path} has version {content.get('version')!r}; this release reads {_VERSION}")
        try:
            return cls._from_json(directory, content)
        except (KeyError, TypeError, AttributeError) as problem:
            raise CorruptFileError(f"{path} is damaged: {type(problem).__name__}: {problem}") from problem

    @classmethod
    def _from_json(cls, directory: Path, content: dict[str, Any]) -> "PreparedData":
        content = {
            "validation_tokens": None,
            "part": None,
            **_UNLESS_USUAL,
            **content,
        }  # an index of before they were there
        plain = {field.name: content[field.name] for field in fields(cls) if field.name != "directory"}
        plain |= {
            "train": _split_from_json(content["train"]),
            "validation": _split_from_json(content["validation"]),
            "sources": tuple(content["sources"]),
            "counts": DocumentCounts(**content["counts"]),
            "part": None if content["part"] is None else PreparedPart(**content["part"]),
        }
        return cls(directory=directory, **plain)


def _split_from_json(content: dict[str, Any]) -> PreparedSplit:
    shards = tuple(ShardRecord(**shard) for shard in content["shards"])
    return PreparedSplit(
        tokens=content["tokens"], documents=content["documents"], bytes=content["bytes"], shards=shards
    )


def _advice_without_index(directory: Path) -> str:
    if not is_directory(directory):
        return f"there is no directory {directory}; `gpt25 data prepare` makes one"
    if is_directory(directory / PARTIAL_NAME):
        return (
            f"the preparation in {directory} was not finished; run the same `gpt25 data prepare` again and it goes on"
        )
    return f"{directory} has no {INDEX_NAME}, so it holds no data that `gpt25 data prepare` finished"
