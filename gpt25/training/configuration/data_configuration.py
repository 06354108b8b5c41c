"""Where a run's tokens come from."""

import dataclasses
from typing import Any, Literal

from gpt25.data import LARGEST_DOCUMENT_BYTES, ReadingSettings
from gpt25.training.configuration.requirements import require, require_fraction, require_positive


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfiguration:
    """Where the tokens come from and how many of them measure the model."""

    directory: str | None = None
    """Folder of token shards that `gpt25 data prepare` wrote, or of llm.c-format .bin files; none for texts."""
    texts: tuple[str, ...] = ()
    """Text files, folders, globs, JSON lines and tables to make token shards of, in the run directory; for large ones
    `gpt25 data prepare` is better. Without texts and a folder of shards: Python's standard library."""
    field: str = "text"
    """The field of each JSON line, or the column of a table (CSV, TSV, Parquet), that is the text."""
    encoding: str | None = None
    """What texts are in that are no UTF-8 and have no byte-order mark, such as cp1252 or shift_jis."""
    validation_fraction: float = 0.05
    """The fraction of the texts that is held out for validation: of at most 100 documents the end of each, of more some
    whole documents, chosen by their content."""
    invalid_utf8: Literal["strict", "replace", "skip"] = "strict"
    """Text that is not in its encoding: stop, put U+FFFD in its place, or leave the document out; skip also leaves out
    lines and rows that cannot be read."""
    special_tokens: Literal["text", "parse"] = "text"
    """What the name of a special token in a text, such as <|endoftext|>, is: text, or parse: that token."""
    document_separator: str | None = None
    """What stands between the documents of one text file, such as <|endoftext|>."""
    largest_document_bytes: int = LARGEST_DOCUMENT_BYTES
    """The most bytes that one document of texts may have, unpacked; it takes about five times as much memory."""
    tokenizer: str | None = None
    """The tokenizer of texts, and of shards that have no index.json: gpt2 or a directory. Without one, the run learns
    its own from the texts."""
    vocabulary_size_from: Literal["tokenizer", "recipe"] = "tokenizer"
    """What decides the vocabulary size of a new model: the tokenizer of the data, or the recipe, which then insists on
    its model.vocabulary_size."""
    shards_per_group: int | None = None
    """Read the training shards in groups of so many, one group after the other, each in an order of its own, so that
    the later ones may still be on their way; none shuffles all of them together."""
    validation_tokens: int = 10_485_760
    """Most tokens that one validation reads, the same ones every time; llm.c's number, 20 x 524,288."""
    validation_selection: Literal["first", "even"] = "first"
    """Which ones: the first, as published figures have it, or windows spread evenly over the whole split."""

    def __post_init__(self) -> None:
        texts: Any = self.texts
        rule = "a list of files, folders or globs, each a text in quotes"
        require(isinstance(texts, tuple) and all(isinstance(text, str) for text in texts), "data.texts", texts, rule)
        rule = f"empty beside data.directory {self.directory!r}: give shards or texts (the word none takes one back)"
        require(not texts or self.directory is None, "data.texts", texts, rule)
        require_positive(self, "data", "validation_tokens", "largest_document_bytes")
        if self.shards_per_group is not None:
            require_positive(self, "data", "shards_per_group")
        require_fraction(self, "data", "validation_fraction")
        chosen: str = self.validation_selection
        require(chosen in ("first", "even"), "data.validation_selection", chosen, "first or even")
        parsing: str = self.special_tokens
        require(parsing in ("text", "parse"), "data.special_tokens", parsing, "text or parse")
        size: str = self.vocabulary_size_from
        require(size in ("tokenizer", "recipe"), "data.vocabulary_size_from", size, "tokenizer or recipe")
        policy: str = self.invalid_utf8
        require(policy in ("strict", "replace", "skip"), "data.invalid_utf8", policy, "strict, replace or skip")
        _ = self.reading  # which refuses an unknown encoding

    @property
    def reading(self) -> ReadingSettings:
        """How the texts are read."""
        return ReadingSettings(**{each.name: getattr(self, each.name) for each in dataclasses.fields(ReadingSettings)})
