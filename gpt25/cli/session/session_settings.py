"""A session's sampling settings, as commands that begin with a slash set and show them."""

import dataclasses
import shlex
from collections.abc import Sequence
from typing import Any

from gpt25.cli.words.flag_names import with_none_as_typed
from gpt25.errors import GenerationError
from gpt25.generation import SamplingSettings

SETTING_NAMES = tuple(field.name.replace("_", "-") for field in dataclasses.fields(SamplingSettings))
"""Every setting in a command's spelling: "temperature", "top-k", …."""
_OFF = ("none", "off")
_ESCAPES = {r"\n": "\n", r"\t": "\t"}


def with_setting(settings: SamplingSettings, name: str, words: str) -> SamplingSettings:
    """The settings with one of them changed: with_setting(settings, "top-k", "50"); "none" turns one off.

    Raises GenerationError naming the field, its value and its range.
    """
    field = name.replace("-", "_")
    readers = {
        "stop": _stop_strings,
        "logit_bias": lambda words: logit_bias_of(() if _is_off(words) else words.split()),
    }
    value = readers.get(field, _number)(words)
    try:
        return settings.changed({field: value})
    except GenerationError as problem:
        raise GenerationError(with_none_as_typed(str(problem))) from None


def logit_bias_of(words: Sequence[str]) -> dict[int, float]:
    """Biases as they are typed: logit_bias_of(["198:-100", "50256:2.5"]) -> {198: -100.0, 50256: 2.5}."""
    biases: dict[int, float] = {}
    for word in words:
        token_id, _, bias = word.partition(":")
        try:
            biases[int(token_id)] = float(bias)
        except ValueError:
            raise GenerationError(
                f"the bias {word} cannot be read; write a token id, a colon and a number, as in 198:-100."
            ) from None
    return biases


def setting_line(settings: SamplingSettings, name: str) -> str:
    """One setting as the command that makes it so: setting_line(settings, "top-k") -> "/top-k none"."""
    value = getattr(settings, name.replace("-", "_"))
    if name == "logit-bias":
        value = " ".join(f"{token_id}:{bias:g}" for token_id, bias in value) or None
    elif isinstance(value, tuple):
        value = " ".join(shlex.quote(_escaped(string)) for string in value) or None
    return f"/{name} {'none' if value is None else value}"


def _is_off(words: str) -> bool:
    return words.lower() in _OFF


def _number(words: str) -> Any:
    """The number that the words are, None for "none"; other words stay as they are, for the settings to refuse."""
    if _is_off(words):
        return None
    for kind in (int, float):
        try:
            return kind(words)
        except ValueError:
            continue
    return words


def _stop_strings(words: str) -> tuple[str, ...]:
    r"""_stop_strings("END '\n\n'") -> ("END", "\n\n"): quoted as for a shell, \n and \t for what they usually are."""
    if _is_off(words):
        return ()
    reader = shlex.shlex(words, posix=True, punctuation_chars=False)
    reader.whitespace_split, reader.commenters, reader.escape = True, "", ""
    try:
        strings = list(reader)
    except ValueError as problem:
        raise GenerationError(
            f"the stop strings {words} cannot be read: {problem}. Close every quotation mark."
        ) from None
    return tuple(_unescaped(string) for string in strings)


def _escaped(string: str) -> str:
    for written, meant in _ESCAPES.items():
        string = string.replace(meant, written)
    return string


def _unescaped(string: str) -> str:
    for written, meant in _ESCAPES.items():
        string = string.replace(written, meant)
    return string
