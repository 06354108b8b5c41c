"""What a text and a machine's time are enough for."""

import dataclasses

from gpt25.model import Accounting
from gpt25.recipes import load_recipe
from gpt25.recipes.run.text_plan import (
    MOST_EPOCHS,
    READ_TOKENS_PER_PARAMETER,
    TOKENS_PER_PARAMETER,
    largest_shape_for,
    shapes_for,
    updates_for,
    vocabulary_size_for,
)

RECIPE = load_recipe("quickstart")


def test_a_larger_text_has_use_for_a_larger_vocabulary() -> None:
    sizes = [vocabulary_size_for(10.0**exponent) for exponent in range(1, 12)]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (512, 16_384)
    assert vocabulary_size_for(12_000_000) == RECIPE.model.vocabulary_size  # the quickstart's own corpus


def test_the_shapes_grow_and_keep_vocabulary_and_block() -> None:
    shapes = shapes_for(RECIPE.model)
    parameters = [Accounting(shape).parameters for shape in shapes]
    assert parameters == sorted(set(parameters))
    assert RECIPE.model in shapes
    for shape in shapes:
        assert shape.number_of_embedding_dimensions == 64 * shape.number_of_heads
        assert (shape.block_size, shape.vocabulary_size) == (RECIPE.model.block_size, RECIPE.model.vocabulary_size)


def test_time_and_text_both_bound_the_shape() -> None:
    shapes = shapes_for(RECIPE.model)
    third = Accounting(shapes[2])
    operations = TOKENS_PER_PARAMETER * third.parameters * third.training_operations_per_token
    assert largest_shape_for(RECIPE.model, operations=operations + 10**6, training_tokens=10**9) == shapes[2]
    assert largest_shape_for(RECIPE.model, operations=operations - 10**6, training_tokens=10**9) == shapes[1]
    just = round(READ_TOKENS_PER_PARAMETER * third.parameters / MOST_EPOCHS) + 1
    assert largest_shape_for(RECIPE.model, operations=1e30, training_tokens=just) == shapes[2]
    assert largest_shape_for(RECIPE.model, operations=1e30, training_tokens=just - 2) == shapes[1]
    assert largest_shape_for(RECIPE.model, operations=1e30, training_tokens=10**12) == shapes[-1]
    assert largest_shape_for(RECIPE.model, operations=1.0, training_tokens=1) == shapes[0]


def test_the_length_is_what_the_time_allows_or_the_text_has() -> None:
    tokens = RECIPE.batch.tokens_per_update
    words = {"seconds": 100.0, "seconds_per_update": 0.5}
    assert updates_for(RECIPE, **words, training_tokens=10**9) == 200
    assert updates_for(RECIPE, **words, training_tokens=5 * tokens) == 5 * MOST_EPOCHS
    assert updates_for(RECIPE, **words, training_tokens=3 * tokens) == 40  # 13 epochs: a tiny text
    assert updates_for(RECIPE, **words, training_tokens=2 * tokens) == 2 * 2 * MOST_EPOCHS
    assert updates_for(RECIPE, **words, training_tokens=1) == 10
    assert updates_for(dataclasses.replace(RECIPE), seconds=0.1, seconds_per_update=0.5, training_tokens=10**9) == 10
