"""Short labels for models in pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpt25.records import RunDirectory

_LONGEST_LABEL = 40


def model_labels(models: Sequence[str]) -> list[str]:
    """A label for each MODEL: the last part of its path where that tells them apart, else all of it."""
    short = [Path(model).name or model for model in models]
    labels = [own if short.count(own) == 1 else model for own, model in zip(short, models, strict=True)]
    return [label if len(label) <= _LONGEST_LABEL else f"…{label[-_LONGEST_LABEL:]}" for label in labels]


def labels_of_models(models: Sequence[Any]) -> list[str]:
    """The same of words and models in memory, which are called "model" or, of several, "model 1", "model 2"."""
    words = []
    for number, model in enumerate(models, start=1):
        if isinstance(model, RunDirectory):
            words.append(str(model.path))
        elif isinstance(model, str | Path):
            words.append(str(model))
        else:
            words.append("model" if len(models) == 1 else f"model {number}")
    return model_labels(words)
