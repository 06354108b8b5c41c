"""What pictures call the models that they show."""

from pathlib import Path

_LONGEST_NAME = 40


def short_names(words: list[str]) -> list[str]:
    """What pictures call the models: the last part of a path where that tells them apart, else the whole word."""
    short = [Path(word).name or word for word in words]
    names = [own if short.count(own) == 1 else word for own, word in zip(short, words, strict=True)]
    return [name if len(name) <= _LONGEST_NAME else f"…{name[-_LONGEST_NAME:]}" for name in names]
