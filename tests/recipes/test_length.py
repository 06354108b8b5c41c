"""A recipe over another number of updates: what is in proportion, and what is said of it."""

import dataclasses
from typing import Any

import pytest

from gpt25.recipes import load_recipe, of_length, what_was_scaled, with_length
from gpt25.training import HistoryConfiguration, TrainingConfiguration

QUICKSTART = load_recipe("quickstart")  # 400 updates: warm-up 8, validation 40, samples 100, checkpoints 80


def changed(recipe: TrainingConfiguration, section: str, **fields: Any) -> TrainingConfiguration:
    return dataclasses.replace(recipe, **{section: dataclasses.replace(getattr(recipe, section), **fields)})


def numbers(recipe: TrainingConfiguration) -> tuple[int | None, ...]:
    loop = recipe.loop
    intervals = (
        loop.validation_interval_in_updates,
        loop.samples_interval_in_updates,
        loop.checkpoint_interval_in_updates,
    )
    return (loop.number_of_updates, recipe.schedule.warm_up_updates, *intervals, recipe.hellaswag.interval_in_updates)


def test_a_shorter_run_has_warm_up_and_intervals_in_proportion() -> None:
    measured = changed(QUICKSTART, "hellaswag", interval_in_updates=200)
    assert numbers(of_length(measured, 100)) == (100, 2, 10, 25, 20, 50)
    assert numbers(of_length(measured, 1)) == (1, 1, 1, 1, 1, 1)
    assert numbers(of_length(QUICKSTART, 100))[-1] is None
    assert of_length(QUICKSTART, 100) == with_length(QUICKSTART, 100)


def test_a_longer_run_keeps_them_and_the_quickstart_s_minutes_do_not() -> None:
    assert numbers(of_length(QUICKSTART, 4000)) == (4000, 8, 40, 100, 80, None)
    assert numbers(with_length(QUICKSTART, 4000)) == (4000, 80, 400, 1000, 800, None)
    assert of_length(QUICKSTART, 400) == QUICKSTART


def test_another_length_is_another_run_without_a_history() -> None:
    recipe = changed(QUICKSTART, "history", extensions=((100, 200),), begun_by="quickstart")
    for other in (of_length(recipe, 50), of_length(recipe, 500), with_length(recipe, 500)):
        assert other.history == HistoryConfiguration()


def test_it_is_said_in_one_line_but_not_of_what_the_user_set_himself() -> None:
    short = of_length(QUICKSTART, 20)
    assert what_was_scaled(QUICKSTART, short) == (
        "20 updates of 400: warm-up 1 instead of 8, validation every 2 instead of 40, samples every 5 instead of 100, "
        "checkpoint every 4 instead of 80"
    )
    own = changed(changed(short, "schedule", warm_up_updates=8), "loop", samples_interval_in_updates=20)
    assert what_was_scaled(QUICKSTART, own) == (
        "20 updates of 400: validation every 2 instead of 40, checkpoint every 4 instead of 80"
    )


@pytest.mark.parametrize("number", [400, 401])
def test_nothing_is_said_where_nothing_is_scaled(number: int) -> None:
    assert what_was_scaled(QUICKSTART, of_length(QUICKSTART, number)) is None
