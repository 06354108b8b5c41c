"""The sizes of updates against a walk that looks at each of them."""

import itertools
import re
from collections.abc import Callable

import pytest

from gpt25.errors import ConfigurationError
from gpt25.runtime import Ranks
from gpt25.training import BatchConfiguration, TrainingConfiguration
from gpt25.training.configuration.update_sizes import UpdateSizes
from gpt25.training.loop.accumulation import fitting_micro_batch_rows, most_micro_batch_rows, smaller_micro_batches

Change = Callable[..., TrainingConfiguration]
Stages = tuple[tuple[float, int], ...]


def sizes_of(stages: Stages, number_of_updates: int, full: int = 80) -> UpdateSizes:
    batch = BatchConfiguration(tokens_per_update=full, smaller_updates=stages)
    return UpdateSizes(batch, block_size=8, number_of_updates=number_of_updates)


@pytest.mark.parametrize(
    "stages",
    [
        (),
        ((0.2, 16), (0.5, 40)),
        ((0.001, 8),),
        ((1.0, 24),),
        ((1 / 3, 40), (2 / 3, 16), (1.0, 48)),
        ((0.1, 8), (0.11, 16), (0.12, 24)),
    ],
)
@pytest.mark.parametrize("number_of_updates", [1, 2, 7, 10, 30, 101])
def test_every_update_begins_where_the_one_before_it_ended(stages: Stages, number_of_updates: int) -> None:
    sizes, place = sizes_of(stages, number_of_updates), 0
    for update in range(number_of_updates):
        tokens = next((tokens for fraction, tokens in stages if update < fraction * number_of_updates), 80)
        assert (sizes.rows(update), sizes.tokens(update)) == (tokens // 8, tokens)
        assert (sizes.rows_before(update), sizes.tokens_before(update)) == (place, 8 * place)
        place += tokens // 8
    assert sizes.tokens_before(number_of_updates) == 8 * place
    seen = [sizes.rows(update) for update in range(number_of_updates)]
    assert sizes.all_rows == list(dict.fromkeys(seen))
    assert sizes.rows_before(number_of_updates + 3) == place + 3 * seen[-1]


def test_a_run_of_equal_updates_counts_as_it_always_did(changed: Change) -> None:
    sizes = changed().update_sizes
    assert [sizes.rows_before(update) for update in (0, 1, 7, 8, 100)] == [0, 4, 28, 32, 400]
    assert (sizes.all_rows, changed().total_tokens) == ([4], 8 * 128)


def test_the_sizes_in_words() -> None:
    assert str(sizes_of(((0.2, 16), (0.5, 40)), 10)) == "16 tokens up to update 2, 40 up to update 5, then 80"
    assert str(sizes_of((), 10)) == "80 tokens"


def test_the_fractions_are_of_the_updates_and_the_tokens_follow(changed: Change) -> None:
    settings = changed(batch={"smaller_updates": ((0.25, 32), (0.5, 64)), "short_sequences": ((0.5, 8),)})
    assert [settings.update_sizes.tokens(update) for update in range(8)] == [32, 32, 64, 64, 128, 128, 128, 128]
    assert settings.total_tokens == 2 * 32 + 2 * 64 + 4 * 128
    assert [settings.sequence_length(update) for update in range(8)] == [8] * 4 + [32] * 4
    assert settings.rows_per_update == 4


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (5, "is 5; it must be a list of pairs of a fraction and a size, such as [[0.2, 131072], [0.5, 262144]]."),
        (((0.1, 8, 9),), "is (0.1, 8, 9); it must be a list of pairs"),
        (((0.5, 8), (0.4, 16)), "is 0.4; it must be rising fractions"),
        (((1.5, 8),), "is 1.5; it must be rising fractions above 0 and up to 1."),
        (((0.5, 8.5),), "is 8.5; it must be a whole number of tokens"),
        (((0.5, 100),), "is 100; it must be at most batch.tokens_per_update 80."),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(stages: Stages, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"batch.smaller_updates {message}")):
        BatchConfiguration(tokens_per_update=80, smaller_updates=stages)


def test_updates_are_whole_rows(changed: Change) -> None:
    with pytest.raises(
        ConfigurationError, match=r"smaller_updates is 48; it must be a multiple of model.block_size 32"
    ):
        changed(batch={"smaller_updates": ((0.5, 64), (0.7, 48))})
    rounded = BatchConfiguration(tokens_per_update=130, smaller_updates=((0.5, 31), (0.7, 100))).in_whole_rows(32)
    assert (rounded.tokens_per_update, rounded.smaller_updates) == (128, ((0.5, 32), (0.7, 96)))


def test_every_size_is_shared_by_the_ranks_in_the_largest_micro_batches_that_fit(changed: Change) -> None:
    settings = changed(
        batch={"tokens_per_update": 12 * 32, "micro_batch_rows": 4, "smaller_updates": ((0.25, 64), (0.5, 320))}
    )
    fitting = {
        (rows, ranks): fitting_micro_batch_rows(settings, Ranks(number_of_ranks=ranks), rows=rows)
        for rows, ranks in itertools.product((2, 10, 12), (1, 2))
    }
    assert fitting == {(2, 1): 2, (2, 2): 1, (10, 1): 2, (10, 2): 1, (12, 1): 4, (12, 2): 3}
    assert most_micro_batch_rows(settings, Ranks()) == 4
    assert smaller_micro_batches(settings, Ranks()) == (
        "micro-batches have 2 rows instead of 4: the most that divide the 10 rows of an update"
    )
    with pytest.raises(ConfigurationError) as caught:
        most_micro_batch_rows(settings, Ranks(number_of_ranks=3))
    assert str(caught.value) == (
        "2 rows of 32 tokens make an update; 3 ranks cannot share them equally. Change the number of ranks or "
        "batch.smaller_updates."
    )
