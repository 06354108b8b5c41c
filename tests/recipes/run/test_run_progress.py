"""What the bar of a run counts, and the speed that stays behind."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

from gpt25.recipes import load_recipe
from gpt25.recipes.run.run_progress import RunProgress


class Display:
    """A reporter that keeps what its bar was told."""

    def __init__(self) -> None:
        self.opened: list[tuple[Any, ...]] = []
        self.advanced: list[tuple[int, dict[str, Any]]] = []

    def say(self, text: str = "") -> None:
        pass

    def note(self, text: str) -> None:
        pass

    @contextlib.contextmanager
    def progress(self, description: str, total: int | None, unit: str, *, done: int = 0) -> Iterator["Display"]:
        self.opened.append((description, total, unit, done))
        yield self

    def advance(self, units_done: int = 1, /, **fields: Any) -> None:
        self.advanced.append((units_done, fields))


def test_a_run_that_goes_on_counts_its_updates_as_its_samples_do_and_ends_with_the_mean_speed() -> None:
    display, recipe = Display(), load_recipe("quickstart")
    recipe = dataclasses.replace(recipe, loop=dataclasses.replace(recipe.loop, number_of_updates=20))
    with RunProgress(recipe, display, updates_done=18) as progress:
        progress.advance(19, tokens_per_second=4096.0)
        progress.advance(20, tokens_per_second=1024.0, loss=3.0)
    assert display.opened == [("training", 20, "updates", 18)]
    assert display.advanced == [
        (1, {"tokens_per_second": 4096.0}),
        (1, {"tokens_per_second": 1024.0, "loss": 3.0}),
        (0, {"tokens_per_second": 2 * 4096 / 5}),  # an update in one second and one in four
    ]


def test_a_run_with_nothing_left_to_do_has_no_speed() -> None:
    display = Display()
    with RunProgress(load_recipe("quickstart"), display, updates_done=400):
        pass
    assert display.advanced == []
