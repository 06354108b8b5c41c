"""The same recipe over another number of updates."""

import dataclasses
from typing import Any

from gpt25.counted import counted
from gpt25.training import HistoryConfiguration, TrainingConfiguration

_INTERVALS = ("validation_interval_in_updates", "samples_interval_in_updates", "checkpoint_interval_in_updates")


def with_length(recipe: TrainingConfiguration, number_of_updates: int) -> TrainingConfiguration:
    """The same recipe over another number of updates: warm-up and intervals are scaled with it, none below 1."""

    def scaled(updates: int) -> int:
        return max(1, round(updates * number_of_updates / recipe.loop.number_of_updates))

    hellaswag = recipe.hellaswag.interval_in_updates
    intervals: dict[str, Any] = {name: scaled(getattr(recipe.loop, name)) for name in _INTERVALS}
    return dataclasses.replace(
        recipe,
        schedule=dataclasses.replace(recipe.schedule, warm_up_updates=scaled(recipe.schedule.warm_up_updates)),
        loop=dataclasses.replace(recipe.loop, number_of_updates=number_of_updates, **intervals),
        hellaswag=dataclasses.replace(recipe.hellaswag, interval_in_updates=hellaswag and scaled(hellaswag)),
        history=HistoryConfiguration(),
    )


def of_length(recipe: TrainingConfiguration, number_of_updates: int) -> TrainingConfiguration:
    """What `--loop.number-of-updates` makes of a recipe, before other flags change it.

    A shorter run has its warm-up and its intervals in proportion: at the recipe's own it might never reach its peak,
    nor be measured before its end. A longer one keeps both: averages fill no later for it, and it must not lose more to
    an interruption; what is a fraction of the updates, such as the fall of a trapezoid, grows with it.
    """
    if number_of_updates < recipe.loop.number_of_updates:
        return with_length(recipe, number_of_updates)
    loop = dataclasses.replace(recipe.loop, number_of_updates=number_of_updates)
    return dataclasses.replace(recipe, loop=loop, history=HistoryConfiguration())


def what_was_scaled(recipe: TrainingConfiguration, used: TrainingConfiguration) -> str | None:
    """One line about what a shorter run has in proportion; None where it is not shorter, or has it otherwise.

    recipe: as it stands. used: as the run has it, with what the user set himself, of which nothing is said.
    """
    number, scaled = used.loop.number_of_updates, with_length(recipe, used.loop.number_of_updates)
    if number >= recipe.loop.number_of_updates:
        return None
    values = [("warm-up", "", *(each.schedule.warm_up_updates for each in (recipe, scaled, used)))]
    for name in _INTERVALS:
        word = name.removesuffix("_interval_in_updates")
        values.append((word, "every ", *(getattr(each.loop, name) for each in (recipe, scaled, used))))
    said = [
        f"{word} {every}{now:,} instead of {before:,}"
        for word, every, before, expected, now in values
        if now == expected != before
    ]
    return f"{counted(number, 'updates')} of {recipe.loop.number_of_updates:,}: {', '.join(said)}" if said else None
