"""A recipe and its fields as flags, whose defaults are what the recipe and the length of the run say."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro
from tyro.conf import FlagConversionOff

from gpt25.cli.training.recorded_defaults import recorded_defaults
from gpt25.data import ReadingSettings
from gpt25.model import GPTConfiguration
from gpt25.recipes import load_recipe, of_length, recipe_names
from gpt25.records import RunDirectory
from gpt25.storage import is_file
from gpt25.training import (
    BatchConfiguration,
    DataConfiguration,
    HellaSwagConfiguration,
    HistoryConfiguration,
    InitialisationConfiguration,
    LoopConfiguration,
    OptimizerConfiguration,
    ScheduleConfiguration,
    SpeedConfiguration,
    TrackConfiguration,
    TrainingConfiguration,
)

_SECTIONS = ("model", "initialisation", "data", "batch", "optimizer", "schedule", "loop", "speed", "track", "hellaswag")
_LENGTH = "--loop.number-of-updates"

_OF_TEXTS = ("texts", *(field.name.replace("_", "-") for field in dataclasses.fields(ReadingSettings)))
OTHER_FLAGS = {
    **{f"--{name}": f"--data.{name}" for name in _OF_TEXTS},
    "--data.json-field": "--data.field",
    "--policy": "--data.invalid-utf8",
    "--data.policy": "--data.invalid-utf8",
}
"""The flags for texts as the other commands call them, and as they were called."""


# FlagConversionOff: a switch may stand in the recipe already, so that each takes true and false behind its flag.
@dataclasses.dataclass(frozen=True, kw_only=True)
class RecipeFlags:
    """The recipe, what to start from, and the recipe's own fields, which flags change."""

    recipe: tyro.conf.Positional[str]
    """A recipe in the package, or the path of a .toml file."""
    start: str | None = None
    """A MODEL to start from instead of random weights (also RUN@best); a run that resumes does without it."""
    model: FlagConversionOff[GPTConfiguration] = dataclasses.field(default_factory=GPTConfiguration)
    """The shape of the GPT-2 that is trained, its dropout and normalisation."""
    initialisation: FlagConversionOff[InitialisationConfiguration] = dataclasses.field(
        default_factory=InitialisationConfiguration
    )
    """What random weights are before the first update, where not as OpenAI's began."""
    data: FlagConversionOff[DataConfiguration] = dataclasses.field(default_factory=DataConfiguration)
    batch: FlagConversionOff[BatchConfiguration] = dataclasses.field(default_factory=BatchConfiguration)
    optimizer: FlagConversionOff[OptimizerConfiguration] = dataclasses.field(default_factory=OptimizerConfiguration)
    schedule: FlagConversionOff[ScheduleConfiguration] = dataclasses.field(default_factory=ScheduleConfiguration)
    loop: FlagConversionOff[LoopConfiguration] = dataclasses.field(default_factory=LoopConfiguration)
    speed: FlagConversionOff[SpeedConfiguration] = dataclasses.field(default_factory=SpeedConfiguration)
    track: FlagConversionOff[TrackConfiguration] = dataclasses.field(default_factory=TrackConfiguration)
    hellaswag: FlagConversionOff[HellaSwagConfiguration] = dataclasses.field(default_factory=HellaSwagConfiguration)

    def configuration(self) -> TrainingConfiguration:
        """The recipe as the flags have changed it."""
        sections = {name: getattr(self, name) for name in _SECTIONS}
        start = dataclasses.replace(load_recipe(self.recipe).start, model=self.start)
        history = HistoryConfiguration(recipe=self.recipe if self.recipe in recipe_names() else None)
        return TrainingConfiguration(start=start, history=history, **sections)


def default_run(recipe: str) -> Path:
    """Where a run by that recipe goes unless --run says otherwise: default_run("my/own.toml") -> runs/own."""
    return Path("runs") / Path(recipe).stem


def recipe_defaults(words: Sequence[str], *, goes_on: bool) -> dict[str, Any] | None:
    """The fields of RecipeFlags as the recipe on the command line has them; None where no recipe is named yet.

    With fewer updates than the recipe's its warm-up and intervals are in proportion, as `of_length` has them.
    goes_on: whether a run that stands at --run is gone on with: then what the words leave open is what it was begun
    with, the recipe too.
    """
    recipe = words[0] if words and not words[0].startswith("-") else None
    place = _last_word_after("--run", words) if goes_on else None
    if recipe is None:
        recipe = None if place is None else _recipe_of(RunDirectory(place), words)
        if recipe is None:
            return None
    content, number = load_recipe(recipe), _whole_number(_last_word_after(_LENGTH, words))
    run = RunDirectory(place or default_run(recipe))
    if goes_on and is_file(run.recipe_path):
        content = recorded_defaults(recipe, run)
        content = content if number is None else _with_updates(content, load_recipe(run.recipe_path), number)
    elif number is not None:
        content = of_length(content, number)
    sections = {name: getattr(content, name) for name in _SECTIONS}
    return {"recipe": recipe, "start": content.start.model, **sections}


def _recipe_of(run: RunDirectory, words: Sequence[str]) -> str | None:
    """What the run there was begun with, where no word is a recipe's; None where there is no run."""
    named = any(word in recipe_names() or word.endswith(".toml") for word in words)
    return None if named or not is_file(run.recipe_path) else str(run.recipe_path)


def _with_updates(content: TrainingConfiguration, begun: TrainingConfiguration, number: int) -> TrainingConfiguration:
    """The configuration over so many updates, with the warm-up and the intervals of the run that was begun.

    A run that is to become longer than its epochs allowed has no epochs any more.
    """
    epochs = content.loop.number_of_epochs if number <= begun.loop.number_of_updates else None
    intervals = {
        field.name: getattr(begun.loop, field.name)
        for field in dataclasses.fields(begun.loop)
        if field.name.endswith("_interval_in_updates")
    }
    warm_up, hellaswag = begun.schedule.warm_up_updates, begun.hellaswag.interval_in_updates
    return dataclasses.replace(
        content,
        schedule=dataclasses.replace(content.schedule, warm_up_updates=min(warm_up, number)),
        loop=dataclasses.replace(content.loop, number_of_updates=number, number_of_epochs=epochs, **intervals),
        hellaswag=dataclasses.replace(content.hellaswag, interval_in_updates=hellaswag),
    )


def _last_word_after(flag: str, words: Sequence[str]) -> str | None:
    """The value of a flag as the parser will read it: the last one, behind a space or an equals sign."""
    found = None
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") == flag:
            found = value if equals else words[place + 1] if place + 1 < len(words) else None
    return found


def _whole_number(word: str | None) -> int | None:
    """The number of updates that a word names; None for what the parser or the configuration will refuse."""
    return int(word) if word is not None and word.isascii() and word.isdigit() and int(word) > 0 else None
