"""Text into token ids and back; your own vocabulary from your own text."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from gpt25.cli.output import Output
from gpt25.cli.streams.standard_input import standard_input
from gpt25.data import ReadingSettings
from gpt25.errors import TokenizerError
from gpt25.records import in_this_shell, offered_command
from gpt25.storage import decode_text, require_writable_directory
from gpt25.storage.paths.storage_error import shown
from gpt25.storage.removed_if_unused import removed_if_unused
from gpt25.storage.text_encoding import encoding_of
from gpt25.tokenizer import SpecialTokens, Tokenizer
from gpt25.tokenizer.special_names import special_names_notice

OTHER_FLAGS = {"--policy": "--invalid-utf8"}
"""What the flags for texts are also called."""
TAKES_TEXT = "encode"
"""The subcommand whose first word is a text."""
_MOST_ROWS = 1000


@dataclass(frozen=True)
class Train:
    """Learn a byte-level BPE of GPT-2's kind from documents."""

    sources: tyro.conf.Positional[tuple[str, ...]]
    """Text files, folders, globs, JSON lines (.jsonl), CSV, all also as .gz or .zst; Parquet; or the word
    standard-library."""
    vocabulary_size: int
    """Number of tokens: 256 bytes, <|endoftext|> as the last id, and merges for the rest."""
    output: Path
    """The directory to write; it can be loaded by this package and by transformers."""
    overwrite: bool = False
    """Replace a tokenizer that is in the directory already."""
    reading: tyro.conf.OmitArgPrefixes[ReadingSettings] = field(default_factory=ReadingSettings)
    json: bool = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class Encode:
    """The token ids of a text, and what each of them stands for."""

    text: tyro.conf.Positional[str]
    """The text; - reads standard input, any bytes; a byte-order mark chooses their encoding."""
    tokenizer: str = "gpt2"
    """gpt2, or a directory that holds a tokenizer."""
    special_tokens: SpecialTokens = "text"
    """What the name of a special token, such as <|endoftext|>, is: text, or parse: that token."""
    json: bool = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class Decode:
    """The text of token ids; bytes that are not UTF-8 become U+FFFD."""

    ids: tyro.conf.Positional[tuple[int, ...]]
    """Token ids, separated by spaces."""
    tokenizer: str = "gpt2"
    """gpt2, or a directory that holds a tokenizer."""
    json: bool = False
    """Print one JSON object on standard output."""


Arguments = (
    Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Encode, tyro.conf.subcommand("encode")]
    | Annotated[Decode, tyro.conf.subcommand("decode")]
)


def run(arguments: Train | Encode | Decode, output: Output) -> None:
    """Do what the subcommand says."""
    if isinstance(arguments, Train):
        _train(arguments, output)
    elif isinstance(arguments, Encode):
        _encode(arguments, output)
    else:
        text = Tokenizer.from_word(arguments.tokenizer).decode(arguments.ids)
        output.result({"text": text})
        if not output.json:
            output.verbatim(text)


def _train(arguments: Train, output: Output) -> None:
    from gpt25.data import read_documents

    if not arguments.sources:
        raise TokenizerError("there is nothing to learn from: name files or folders, or the word standard-library.")
    documents = read_documents(arguments.sources, **vars(arguments.reading), output=arguments.output)
    with removed_if_unused(arguments.output):
        _require_free(arguments)
        for line in documents.left_out.in_words():
            output.note(line)
        with output.progress("reading", None, "documents") as progress:
            texts: Iterator[str] = (document.content.decode("utf-8") for document in documents)
            tokenizer = Tokenizer.train(texts, vocabulary_size=arguments.vocabulary_size, progress=progress.advance)
        tokenizer.save(arguments.output)
    trial = in_this_shell(
        offered_command("gpt25", "tokenizer", "encode", "Hello world", "--tokenizer", arguments.output)
    )
    output.result(
        {
            "tokenizer": str(arguments.output),
            "name": tokenizer.name,
            "fingerprint": tokenizer.fingerprint,
            "vocabulary_size": tokenizer.vocabulary_size,
            "end_of_text_id": tokenizer.end_of_text_id,
        },
        f"{tokenizer.name} is in {shown(arguments.output)}. Try it:\n  {trial}",
        kept=arguments.output,
    )


def _require_free(arguments: Train) -> None:
    """See, before any text is read, that the directory can be written and nobody's tokenizer is lost."""
    if Tokenizer.is_in(arguments.output) and not arguments.overwrite:
        raise TokenizerError(
            f"{shown(arguments.output)} holds a tokenizer already; what was made with it is lost without it. Choose "
            "another --output, or add --overwrite to replace it."
        )
    require_writable_directory(arguments.output)


def _encode(arguments: Encode, output: Output) -> None:
    tokenizer = Tokenizer.from_word(arguments.tokenizer)
    if arguments.text == "-":
        content = _standard_input()
    else:
        # Undoes how Python decoded the command line, so that also bytes that are not UTF-8 arrive unchanged.
        content = arguments.text.encode("utf-8", sys.getfilesystemencodeerrors())
    ids = tokenizer.encode_bytes(content, special_tokens=arguments.special_tokens)
    if arguments.special_tokens == "text" and (count := tokenizer.special_names_in(content.decode("utf-8", "replace"))):
        output.note(special_names_notice(count, what="the text"))
    if not output.json:
        rows = [(place, number, _piece(tokenizer.token_bytes(number))) for place, number in enumerate(ids[:_MOST_ROWS])]
        title = f"{len(content):,} bytes are {len(ids):,} tokens of {tokenizer.name}"
        output.table(title, ("place", "id", "piece"), rows)
        if len(ids) > _MOST_ROWS:
            output.say(f"… and {len(ids) - _MOST_ROWS:,} more; --json prints all of them")
    output.result({"token_ids": ids})


def _standard_input() -> bytes:
    """UTF-8 of what stands there, without the byte-order mark that tells its encoding; other bytes as they are."""
    content = standard_input()
    if not encoding_of(content).mark:
        return content
    return decode_text(content, where="the text on standard input", error=TokenizerError).encode("utf-8")


def _piece(token: bytes) -> str:
    """A token in quotes, so that its spaces show: text where it is text, else bytes."""
    try:
        return repr(token.decode("utf-8"))
    except UnicodeDecodeError:
        return repr(token)
