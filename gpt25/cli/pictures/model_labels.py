"""Short labels for models in pictures."""

from pathlib import Path

_LONGEST_LABEL = 40


def model_labels(models: list[str]) -> list[str]:
    """A label for each MODEL: the last part of its path where that tells them apart, else all of it."""
    short = [Path(model).name or model for model in models]
    labels = [own if short.count(own) == 1 else model for own, model in zip(short, models, strict=True)]
    return [label if len(label) <= _LONGEST_LABEL else f"…{label[-_LONGEST_LABEL:]}" for label in labels]
