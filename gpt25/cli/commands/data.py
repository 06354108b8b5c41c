"""Text into token shards that training reads: prepare them, look at them, verify them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from gpt25.cli.output import Output
from gpt25.counted import counted
from gpt25.data import NAMED_SETS, NAMED_SETS_VALIDATION_TOKENS, SPLITS, WHOLE, Part, ReadingSettings
from gpt25.errors import ConfigurationError
from gpt25.storage.paths.storage_error import shown
from gpt25.tokenizer import SpecialTokens, Tokenizer

if TYPE_CHECKING:
    from gpt25.data import PreparedData

OTHER_FLAGS = {"--policy": "--invalid-utf8"}
"""What the flags for texts are also called."""
_PEEK_TOKENS = 64
_DEFAULT_FRACTION = 0.05


@dataclass(frozen=True)
class Prepare:
    """Encode documents into token shards in llm.c's format, with an index and the tokenizer beside them.

    After an interruption the same command goes on where it stopped. A finished directory is left as it is.
    """

    sources: tyro.conf.Positional[tuple[str, ...]]
    """Text files, folders, globs, JSON lines (.jsonl), CSV, all also as .gz or .zst; Parquet; files on the Hub
    (hf://datasets/OWNER/NAME/PATH); or one of the words fineweb, fineweb-edu (their samples of ten billion tokens
    there), standard-library."""
    tokenizer: str
    """gpt2, or a directory that holds a tokenizer."""
    output: Path
    """The directory to write."""
    reading: tyro.conf.OmitArgPrefixes[ReadingSettings] = field(default_factory=ReadingSettings)
    part: str | None = None
    """Only a part, such as 3/64: the third of 64 equal stretches. All parts, in one directory, are the data set."""
    validation_fraction: float | None = None
    """The fraction that is kept for validation, 0.05 unless given: of at most 100 documents the end of each, of more
    some whole documents, chosen by their content."""
    validation_tokens: int | None = None
    """Instead: so many tokens from the beginning. For fineweb and fineweb-edu 100 million unless given, llm.c's first
    shard, on which OpenAI's published losses are measured."""
    processes: int | None = None
    """Worker processes; one a core unless given. The result does not depend on it."""
    special_tokens: SpecialTokens = "text"
    """What the name of a special token in the text, such as <|endoftext|>, is: text, or parse: that token."""
    tokens_per_shard: int = 100_000_000
    """The most tokens in one file, 2 bytes each."""
    json: bool = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class Fetch:
    """Fetch public token shards in llm.c's format, made with GPT-2's tokenizer, and check every byte of them.

    After an interruption the same command goes on where it stopped; with more shards it adds them.
    """

    name: tyro.conf.Positional[Literal["fineweb10B", "finewebedu10B", "climbmix"]]
    """fineweb10B (kjj0/fineweb10B-gpt2 on the Hub), finewebedu10B (kjj0/finewebedu10B-gpt2) or climbmix: shards made of
    the rows of nvidia/Nemotron-ClimbMix, CC BY-NC 4.0, which is not for commercial use."""
    output: Path
    """The directory to write."""
    shards: int | None = None
    """Training shards, 100 million tokens (200 MB) each; all unless given. The validation shard comes besides. One of
    climbmix takes 575 MB of the network."""
    json: bool = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class Show:
    """What a prepared directory holds."""

    directory: tyro.conf.Positional[Path]
    """A directory that `gpt25 data prepare` wrote."""
    json: bool = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class Verify:
    """Check every byte of a prepared directory against its index: sizes, headers, ids, hashes, tokenizer."""

    directory: tyro.conf.Positional[Path]
    """A directory that `gpt25 data prepare` wrote."""
    json: bool = False
    """Print one JSON object on standard output."""


Arguments = (
    Annotated[Prepare, tyro.conf.subcommand("prepare")]
    | Annotated[Fetch, tyro.conf.subcommand("fetch")]
    | Annotated[Show, tyro.conf.subcommand("show")]
    | Annotated[Verify, tyro.conf.subcommand("verify")]
)


def run(arguments: Prepare | Fetch | Show | Verify, output: Output) -> None:
    """Do what the subcommand says."""
    if isinstance(arguments, Prepare):
        _prepare(arguments, output)
    elif isinstance(arguments, Fetch):
        _fetch(arguments, output)
    elif isinstance(arguments, Show):
        _show(arguments.directory, output)
    else:
        _verify(arguments.directory, output)


def _prepare(arguments: Prepare, output: Output) -> None:
    if arguments.validation_fraction is not None and arguments.validation_tokens is not None:
        raise ConfigurationError("give --validation-fraction or --validation-tokens, not both")
    if arguments.processes is not None and arguments.processes < 1:
        raise ConfigurationError(f"--processes is {arguments.processes}; it must be 1 or more")
    from gpt25.data import notices, prepare, read_documents

    documents = read_documents(
        arguments.sources,
        **vars(arguments.reading),
        part=WHOLE if arguments.part is None else Part.parse(arguments.part),
        output=arguments.output,
    )
    tokenizer = Tokenizer.from_word(arguments.tokenizer)
    with output.progress("encoding", documents.source_bytes, "bytes") as progress:
        data = prepare(
            documents,
            tokenizer,
            arguments.output,
            validation_fraction=_DEFAULT_FRACTION
            if arguments.validation_fraction is None
            else arguments.validation_fraction,
            validation_tokens=_validation_tokens(arguments),
            tokens_per_shard=arguments.tokens_per_shard,
            special_tokens=arguments.special_tokens,
            number_of_processes=arguments.processes,
            progress=progress.advance,
        )
    if not output.json:
        _say_what_it_is(data, output)
    for notice in notices(data, documents.left_out):
        output.note(notice)
    output.result(_as_json(data), kept=arguments.output)


def _validation_tokens(arguments: Prepare) -> int | None:
    """The argument, or what the named sets are published with."""
    named = bool(arguments.sources) and all(source in NAMED_SETS for source in arguments.sources)
    if named and arguments.validation_fraction is None and arguments.validation_tokens is None:
        return NAMED_SETS_VALIDATION_TOKENS
    return arguments.validation_tokens


def _fetch(arguments: Fetch, output: Output) -> None:
    from gpt25.data import fetch_shards, list_shards

    listing = list_shards(arguments.name, number_of_shards=arguments.shards, directory=arguments.output)
    output.note(f"{listing.source}: licence {listing.public_set.licence}")
    with output.progress("fetching", sum(shard.download_bytes for shard in listing.shards), "bytes") as progress:
        data = fetch_shards(listing, arguments.output, progress=progress.advance)
    if not output.json:
        _say_what_it_is(data, output)
    output.result(_as_json(data), kept=arguments.output)


def _show(directory: Path, output: Output) -> None:
    from gpt25.data import read_prepared_data

    data = read_prepared_data(directory)
    peek = _peek(data)
    if not output.json:
        _say_what_it_is(data, output)
        output.say(f"first tokens: {peek!r}")
    output.result(_as_json(data) | {"first_tokens": peek})


def _verify(directory: Path, output: Output) -> None:
    from gpt25.data import read_prepared_data, verify

    total = sum(shard.tokens * 2 for split in SPLITS for shard in read_prepared_data(directory).split(split).shards)
    with output.progress("verifying", total, "bytes") as progress:
        data = verify(directory, progress=progress.advance)
    shards = len(data.train.shards) + len(data.validation.shards)
    tokens = data.train.tokens + data.validation.tokens
    output.result(
        {"directory": str(directory), "verified": True, "shards": shards, "tokens": tokens},
        f"{shown(directory)}: {counted(shards, 'shards')}, {counted(tokens, 'tokens')}, all as their index says",
    )


def _peek(data: "PreparedData") -> str:
    """The beginning of the training text (of the validation text where there is no other), decoded."""
    from gpt25.data import open_shards

    shards = open_shards(data.directory, "train" if data.train.shards else "validation")
    ids = shards.tokens(0, min(_PEEK_TOKENS, shards.number_of_tokens))
    return Tokenizer.from_word(data.directory).decode(ids.tolist())


def _as_json(data: "PreparedData") -> dict[str, Any]:
    return {"directory": str(data.directory), **data.as_json()}


def _say_what_it_is(data: "PreparedData", output: Output) -> None:
    rows = []
    for name in SPLITS:
        split = data.split(name)
        rate = f"{split.bytes / split.tokens:.2f}" if split.tokens else ""
        figures = [f"{count:,}" for count in (split.tokens, split.documents, split.bytes, len(split.shards))]
        rows.append([name, *figures[:3], rate, figures[3]])
    columns = ["split", "tokens", "documents", "text bytes", "bytes per token", "shards"]
    output.table(f"{data.directory}, tokenizer {data.tokenizer_name}", columns, rows)
    if data.licence is not None:
        output.say(f"licence: {data.licence}")
    counts = data.counts
    remarks = {
        ("documents", "with U+FFFD put for invalid UTF-8"): counts.replaced,
        ("documents", "skipped as unreadable"): counts.skipped,
        ("empty documents", "left out"): counts.empty,
        ("byte order marks", "dropped"): counts.byte_order_marks,
    }
    for (noun, what), count in remarks.items():
        if count:
            output.say(f"{counted(count, noun)} {what}")
    if data.part is not None:
        output.say(f"part {data.part.number} of {data.part.count}")
    if data.validation_tokens is not None:
        output.say(f"the first {data.validation_tokens:,} tokens are the validation split")
    if data.split_rule == "position":
        output.say("the end of every document is the validation split")
    for name in SPLITS:
        if not data.split(name).tokens and data.part is None:
            output.say(f"there is no text in the {name} split; another fraction would change that")
