"""MODEL words where several models stand side by side, and flags would not say which of them is meant."""

from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.errors import WeightsError

if TYPE_CHECKING:
    from gpt25.model import GPTModel
    from gpt25.tokenizer import Tokenizer

_LONGEST_NAME = 40


def load_model_word(word: str) -> "tuple[GPTModel, Tokenizer | None]":
    """Load what a word means: load_model_word("runs/first@500") -> the checkpoint of update 500 of that run.

    Behind the last "@" stands newest, best or an update where a run is named, and a branch, tag or commit where a
    repository on the Hub is. A directory whose own name has an "@" is taken as it is. Raises what `load_pretrained`
    raises, and WeightsError for an "@" with nothing behind it.
    """
    from gpt25.weights import load_pretrained

    name, at, which = word.rpartition("@")
    if not at or Path(word).exists():
        return load_pretrained(word)
    if not (name and which):
        raise WeightsError(f"{word!r} names no model: write RUN@500, RUN@best or OWNER/NAME@REVISION.")
    return load_pretrained(name, checkpoint=which) if Path(name).exists() else load_pretrained(name, revision=which)


def short_names(words: list[str]) -> list[str]:
    """What pictures call the models: the last part of a path where that tells them apart, else the whole word."""
    short = [Path(word).name or word for word in words]
    names = [own if short.count(own) == 1 else word for own, word in zip(short, words, strict=True)]
    return [name if len(name) <= _LONGEST_NAME else f"…{name[-_LONGEST_NAME:]}" for name in names]
