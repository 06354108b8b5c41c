"""Read the tokenizer files of Hugging Face directories, ours and those found in the wild.

tokenizer.json is complete in itself and wins; else vocab.json and merges.txt (or OpenAI's encoder.json and vocab.bpe),
with added_tokens.json beside them. What is not a byte-level BPE with GPT-2's split is refused, since guessing would
give other ids than the model was trained on.
"""

from pathlib import Path

from gpt25.errors import StorageError, TokenizerError
from gpt25.storage import is_file, sha256_of_file
from gpt25.storage.paths.path_questions import path_status
from gpt25.tokenizer.byte_alphabet import to_visible
from gpt25.tokenizer.gpt2 import gpt2_vocabulary
from gpt25.tokenizer.hugging_face_parts import TokenizerParts, read_fast_file, read_object, read_pair
from gpt25.tokenizer.vocabulary import END_OF_TEXT, Vocabulary, ordinary_tokens

_FAST_NAME = "tokenizer.json"
_PAIRS = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))
# Real vocabularies hold at most a few hundred tokens that neither a merge makes nor a list of added tokens describes.
_MOST_UNMADE_TOKENS = 1024
# Of the tokenizer.json that `write_tokenizer_files` makes of GPT-2's own vocabulary.
_GPT2_BYTES, _GPT2_SHA256 = 1_792_565, "40633a481dde82061cce68aa5ea8e5a5552b96d3bfff54a46c6b0e4f321c98df"


def has_tokenizer_files(directory: Path) -> bool:
    """Whether the directory holds tokenizer.json or one of the pairs, readable or not."""
    return is_file(directory / _FAST_NAME) or _pair_in(directory) is not None


def read_vocabulary(directory: Path) -> Vocabulary:
    """The vocabulary of a directory; raises TokenizerError that names the file at fault and what is wrong in it.

    Tokens that no merge makes and no list of added tokens describes are taken for special ones. The end-of-text token
    is the declared eos_token, or else <|endoftext|>. Post-processors and chat templates are not read.
    """
    pair = _pair_in(directory)
    if is_file(directory / _FAST_NAME):
        source = directory / _FAST_NAME
        if _is_gpt2s(source) and _declared_end_of_text(directory) in (None, END_OF_TEXT):
            return gpt2_vocabulary()  # what reading it gives, in a quarter of the time
        parts = read_fast_file(source)
    elif pair is not None:
        source = pair[1]
        parts = read_pair(*pair)
    else:
        raise TokenizerError(f"{directory} holds neither {_FAST_NAME} nor both vocab.json and merges.txt.")
    declared_end = _declared_end_of_text(directory)
    try:
        return _vocabulary(parts, declared_end)
    except TokenizerError as problem:
        raise TokenizerError(f"{source}: {problem}") from problem


def _is_gpt2s(path: Path) -> bool:
    """Whether a tokenizer.json is, byte for byte, the one that this package writes for GPT-2's own vocabulary."""
    status = path_status(path)
    if status is None or status.st_size != _GPT2_BYTES:
        return False
    try:
        return sha256_of_file(path) == _GPT2_SHA256
    except StorageError:
        return False  # whoever reads it says so


def _pair_in(directory: Path) -> tuple[Path, Path] | None:
    for vocabulary_name, merges_name in _PAIRS:
        if is_file(directory / vocabulary_name) and is_file(directory / merges_name):
            return directory / vocabulary_name, directory / merges_name
    return None


def _declared_end_of_text(directory: Path) -> str | None:
    """The eos_token of tokenizer_config.json or special_tokens_map.json: a string, or an object with `content`."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        token = read_object(directory / name).get("eos_token")
        text = token.get("content") if isinstance(token, dict) else token
        if isinstance(text, str):
            return text
    return None


def _vocabulary(parts: TokenizerParts, declared_end: str | None) -> Vocabulary:
    ordinary = ordinary_tokens(parts.identifiers, parts.merges)
    made = {to_visible(bytes([byte])) for byte in range(256)} | {left + right for left, right in parts.merges}
    others = {text: identifier for text, identifier in parts.identifiers.items() if text not in made}
    # An added token that merges make as well (a "!" that serves as padding) keeps its id, and from now on stands for
    # its text wherever that occurs, before any splitting, special or not.
    made_too = {token.text: parts.identifiers[token.text] for token in parts.added if token.text in made}
    added = {token.text: token for token in parts.added if token.text not in made}
    for token in parts.added:
        if token.text in made_too and token.identifier != made_too[token.text]:
            raise TokenizerError(
                f"{token.text!r} has id {made_too[token.text]} in the vocabulary, {token.identifier} as an added token."
            )
    for token in added.values():
        known = others.setdefault(token.text, token.identifier)
        if known != token.identifier:
            raise TokenizerError(
                f"{token.text!r} has id {known} in the vocabulary, {token.identifier} as an added token."
            )
    unmade = [text for text in others if text not in added]
    if len(unmade) > _MOST_UNMADE_TOKENS:
        raise TokenizerError(
            f"{len(unmade):,} tokens of the vocabulary, the first is {unmade[0]!r}, are made by none of the "
            f"{len(parts.merges):,} merges. The merges are probably cut off: fetch them again."
        )
    end_of_text = next((text for text in (declared_end, END_OF_TEXT) if text is not None and text in others), None)
    if end_of_text is None:
        raise TokenizerError(
            f"there is no end-of-text token: neither {END_OF_TEXT} nor an eos_token that is a token of its own "
            f"(it is {declared_end!r}). Name one as eos_token in tokenizer_config.json."
        )
    plain = {text: others.pop(text) for text, token in added.items() if not token.special and text != end_of_text}
    plain |= made_too
    return Vocabulary(ordinary=ordinary, special=others, plain=plain, end_of_text=end_of_text)
