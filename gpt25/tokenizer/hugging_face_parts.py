"""What the two forms of Hugging Face's tokenizer files say: ids, merges and added tokens, as yet unchecked together."""

import dataclasses
import re
from pathlib import Path
from typing import Any

from gpt25.errors import CorruptFileError, StorageError, TokenizerError
from gpt25.storage import decode_text, exists, read_json, with_newlines
from gpt25.storage.reading.bounded_file import read_bounded
from gpt25.storage.reading.json_values import kind_in_words

_GPT2_SPLIT_CLASSES = ("GPT2", "CodeGen", "Roberta", "Bart", "PreTrained")
_IDENTIFIER = re.compile(r"\d{1,10}", re.ASCII)
_SWITCHES = {"byte_fallback": False, "ignore_merges": False, "continuing_subword_prefix": "", "end_of_word_suffix": ""}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AddedToken:
    """A token beside those that merges make; a `special` one is never made from text."""

    text: str
    identifier: int
    special: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenizerParts:
    """The content of a tokenizer's files, written in GPT-2's alphabet."""

    identifiers: dict[str, int]
    merges: list[tuple[str, str]]
    added: list[AddedToken]


_AGAIN = "It may have been cut off: fetch or save it again."


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object of a file, {} if there is no such file; TokenizerError when it is no JSON object."""
    if not exists(path):
        return {}
    try:
        content = read_json(path)
    except CorruptFileError as problem:
        raise TokenizerError(f"{problem}. {_AGAIN}") from problem
    except StorageError as problem:
        raise TokenizerError(str(problem)) from problem
    if not isinstance(content, dict):
        raise TokenizerError(f"{path} holds {kind_in_words(content)}, expected an object. {_AGAIN}")
    return content


def read_fast_file(path: Path) -> TokenizerParts:
    """The parts in tokenizer.json; raises TokenizerError when it describes anything but GPT-2's kind of BPE."""
    content = read_object(path)
    model = content.get("model")
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        kind = model.get("type") if isinstance(model, dict) else model
        raise _other_kind(path, f"its model is {kind!r}, not 'BPE'")
    if content.get("normalizer") is not None:
        raise _other_kind(path, f"it changes the text first (normalizer {_kind(content['normalizer'])})")
    splitter = content.get("pre_tokenizer")
    if not isinstance(splitter, dict) or splitter.get("type") != "ByteLevel" or not splitter.get("use_regex", True):
        raise _other_kind(path, f"it splits text by another rule (pre_tokenizer {_kind(splitter)})")
    if splitter.get("add_prefix_space"):
        raise _other_kind(path, "it puts a space before every text (add_prefix_space)")
    for switch, usual in _SWITCHES.items():
        if (model.get(switch) or usual) != usual:
            raise _other_kind(path, f"its model has {switch} {model[switch]!r}")
    added, merges = content.get("added_tokens") or [], model.get("merges") or []
    for name, listed in (("added_tokens", added), ("model.merges", merges)):
        if not isinstance(listed, list):
            raise TokenizerError(f"{path}: {name} is {kind_in_words(listed)}, expected a list. {_AGAIN}")
    return TokenizerParts(
        identifiers=_checked_identifiers(path, model.get("vocab")),
        merges=[_merge(path, number, entry) for number, entry in enumerate(merges, start=1)],
        added=[_added_token(path, entry, entry.get("id") if isinstance(entry, dict) else None) for entry in added],
    )


def read_pair(vocabulary_path: Path, merges_path: Path) -> TokenizerParts:
    """The parts in vocab.json, merges.txt and, where they exist, added_tokens.json and tokenizer_config.json."""
    configuration_path = vocabulary_path.with_name("tokenizer_config.json")
    configuration = read_object(configuration_path)
    kind = str(configuration.get("tokenizer_class") or "GPT2Tokenizer")
    if kind.removesuffix("Fast").removesuffix("Tokenizer") not in _GPT2_SPLIT_CLASSES:
        raise _other_kind(configuration_path, f"its tokenizer_class is {kind!r}")
    if configuration.get("add_prefix_space"):
        raise _other_kind(configuration_path, "it puts a space before every text (add_prefix_space)")

    described = configuration.get("added_tokens_decoder") or {}
    if not isinstance(described, dict):
        raise TokenizerError(f"{configuration_path}: added_tokens_decoder is {described!r}, expected an object.")
    added = {}
    for identifier, entry in described.items():
        token = _added_token(configuration_path, entry, int(identifier) if _IDENTIFIER.fullmatch(identifier) else None)
        added[token.text] = token
    names_path = vocabulary_path.with_name("added_tokens.json")
    for text, identifier in _checked_identifiers(names_path, read_object(names_path)).items():
        added.setdefault(text, AddedToken(text=text, identifier=identifier, special=True))
    return TokenizerParts(
        identifiers=_checked_identifiers(vocabulary_path, read_object(vocabulary_path)),
        merges=_read_merges(merges_path),
        added=list(added.values()),
    )


def _other_kind(path: Path, finding: str) -> TokenizerError:
    return TokenizerError(
        f"{path}: {finding}. Only byte-level BPE that splits text as GPT-2 does can be used; "
        "take Tokenizer.gpt2() or train one with `gpt25 tokenizer train`."
    )


def _kind(part: Any) -> str:
    return repr(part.get("type")) if isinstance(part, dict) else repr(part)


def _checked_identifiers(path: Path, identifiers: Any) -> dict[str, int]:
    if not isinstance(identifiers, dict):
        raise TokenizerError(
            f"{path}: the vocabulary is {kind_in_words(identifiers)}, expected an object of ids by token. {_AGAIN}"
        )
    for text, identifier in identifiers.items():
        if type(identifier) is not int:
            raise TokenizerError(f"{path}: the id of {text!r} is {identifier!r}, expected a whole number.")
    return identifiers


def _added_token(path: Path, entry: Any, identifier: Any) -> AddedToken:
    text = entry.get("content") if isinstance(entry, dict) else None
    if not isinstance(text, str) or not text or type(identifier) is not int:
        raise TokenizerError(f"{path}: the added token {entry!r} lacks its content or its id.")
    special = bool(entry.get("special", True))
    widening = [name for name in ("lstrip", "rstrip", "single_word") if entry.get(name)]
    if widening and not special:
        raise _other_kind(path, f"its added token {text!r} is matched in text with {widening[0]}")
    return AddedToken(text=text, identifier=identifier, special=special)


def _merge(path: Path, number: int, entry: Any) -> tuple[str, str]:
    """One merge: "a b" in older files, ["a", "b"] in newer ones."""
    pair = entry.split(" ") if isinstance(entry, str) else entry
    if isinstance(pair, list) and len(pair) == 2:
        left, right = pair
        if isinstance(left, str) and isinstance(right, str) and left and right:
            return left, right
    raise TokenizerError(f"{path}: merge {number} is {entry!r}, expected two tokens.")


def _read_merges(path: Path) -> list[tuple[str, str]]:
    try:
        content = with_newlines(decode_text(read_bounded(path), where=str(path), error=TokenizerError))
    except StorageError as problem:
        raise TokenizerError(str(problem)) from problem
    if not content.endswith("\n"):
        raise TokenizerError(
            f"{path} does not end with a line break, so it was probably cut off: fetch it again, or add the line break."
        )
    lines = content.rstrip("\n").split("\n")
    if lines[0].startswith("#version"):
        del lines[0]
    return [_merge(path, number, line) for number, line in enumerate(filter(None, lines), start=1)]
