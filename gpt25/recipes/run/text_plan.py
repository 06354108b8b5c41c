"""How large a vocabulary and a model a text and a machine's time are enough for, and how often the text is read."""

import dataclasses

from gpt25.model import Accounting, GPTConfiguration
from gpt25.training import TrainingConfiguration

# Measured at 30, 150 and 600 kB (docs/log/quickstart.md, 2026-11-29); the quickstart's own 12 MB have 4,096.
_VOCABULARIES = (
    (0, 512),
    (15_000, 1024),
    (100_000, 2048),
    (500_000, 4096),
    (40_000_000, 8192),
    (1_000_000_000, 16_384),
)
_SHAPES = ((2, 64), (4, 128), (6, 192), (6, 256), (8, 384), (8, 512), (12, 768))
"""Layers and channels, in heads of 64 channels."""
TOKENS_PER_PARAMETER = 2.5
"""As many as the time must allow for; the quickstart's own three minutes have 2.8."""
READ_TOKENS_PER_PARAMETER = 0.3
"""As many as the text must have in MOST_EPOCHS: less text teaches a larger model hardly more, and takes longer."""
MOST_EPOCHS = 8
"""As often as a text is read: after 8 times no held-out loss had turned up, after 13 most of them had."""
_FEW_UPDATES = 40  # for which a tiny text is read more often, up to _MOST_EPOCHS_OF_FEW_UPDATES times
_MOST_EPOCHS_OF_FEW_UPDATES = 16
BYTES_PER_TOKEN = 3.5
"""Of a text in a vocabulary of its own, about."""
_FEWEST_UPDATES = 10


def vocabulary_size_for(text_bytes: float) -> int:
    """As many tokens as a text of so many bytes has use for: vocabulary_size_for(1_000_000) -> 4096."""
    return max(size for least, size in _VOCABULARIES if text_bytes >= least)


def shapes_for(model: GPTConfiguration) -> list[GPTConfiguration]:
    """The configurations to choose from, the smallest first, with the vocabulary and the block of `model`."""
    return [
        dataclasses.replace(
            model,
            number_of_layers=layers,
            number_of_heads=channels // 64,
            number_of_embedding_dimensions=channels,
        )
        for layers, channels in _SHAPES
    ]


def largest_shape_for(model: GPTConfiguration, *, operations: float, training_tokens: int) -> GPTConfiguration:
    """The largest of `shapes_for` that so many floating-point operations train on enough tokens of so small a text.

    operations: of forward and backward passes together. training_tokens: of the text, which is read MOST_EPOCHS times.
    The smallest, where it is enough for none.
    """
    chosen, *larger = shapes_for(model)
    for shape in larger:
        accounting = Accounting(shape)
        by_time = operations / accounting.training_operations_per_token / TOKENS_PER_PARAMETER
        by_text = MOST_EPOCHS * training_tokens / READ_TOKENS_PER_PARAMETER
        if accounting.parameters > min(by_time, by_text):
            break
        chosen = shape
    return chosen


def updates_for(
    recipe: TrainingConfiguration, *, seconds: float, seconds_per_update: float, training_tokens: int
) -> int:
    """As many updates as fit the time, or as MOST_EPOCHS of the text have, whichever are fewer; ten at least.

    Of a text so small that these are less than 40, twice as many epochs may be read.
    """
    epoch = training_tokens * recipe.loop.number_of_updates / recipe.total_tokens  # in updates
    by_text = max(MOST_EPOCHS * epoch, min(_FEW_UPDATES, _MOST_EPOCHS_OF_FEW_UPDATES * epoch))
    return max(_FEWEST_UPDATES, round(min(seconds / seconds_per_update, by_text)))
