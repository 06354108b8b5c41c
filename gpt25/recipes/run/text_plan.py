"""How large a vocabulary and a model a text and a machine's time are enough for, and how often the text is read."""

import dataclasses

from gpt25.model import Accounting, GPTConfiguration
from gpt25.training import TrainingConfiguration

# The quickstart's own 12 MB have 4,096; twice the tokens for about six times the text.
_VOCABULARIES = ((0, 512), (60_000, 1024), (400_000, 2048), (2_500_000, 4096), (40_000_000, 8192), (10**9, 16_384))
_SHAPES = ((2, 64), (4, 128), (6, 192), (6, 256), (8, 384), (8, 512), (12, 768))
"""Layers and channels, in heads of 64 channels."""
TOKENS_PER_PARAMETER = 2.5
MOST_EPOCHS = 20
BYTES_PER_TOKEN = 3.5
"""Of a text in a vocabulary of its own, about."""
_FEWEST_UPDATES = 10


def vocabulary_size_for(text_bytes: float) -> int:
    """As many tokens as a text of so many bytes has use for: vocabulary_size_for(1_000_000) -> 2048."""
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

    operations: of forward and backward passes together. training_tokens: of the text, which is read MOST_EPOCHS times
    at most. The smallest, where it is enough for none.
    """
    chosen, *larger = shapes_for(model)
    for shape in larger:
        accounting = Accounting(shape)
        tokens = min(operations / accounting.training_operations_per_token, MOST_EPOCHS * training_tokens)
        if tokens < TOKENS_PER_PARAMETER * accounting.parameters:
            break
        chosen = shape
    return chosen


def updates_for(
    recipe: TrainingConfiguration, *, seconds: float, seconds_per_update: float, training_tokens: int
) -> int:
    """As many updates as fit the time, or as MOST_EPOCHS of the text have, whichever are fewer; ten at least."""
    tokens_per_update = recipe.total_tokens / recipe.loop.number_of_updates
    by_text = MOST_EPOCHS * training_tokens / tokens_per_update
    return max(_FEWEST_UPDATES, round(min(seconds / seconds_per_update, by_text)))
