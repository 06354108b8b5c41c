"""What holds for a run that is there where the command line says nothing else."""

import dataclasses
from pathlib import Path
from typing import Any

from gpt25.errors import ConfigurationError
from gpt25.recipes.recipe import load_recipe, stated_keys
from gpt25.records import RunDirectory
from gpt25.training import TrainingConfiguration


def recorded_defaults(recipe: str | Path, run: RunDirectory) -> TrainingConfiguration:
    """The configuration from which flags change a run that has begun: what it recorded, as far as the recipe is silent.

    By the name of the recipe that it was begun by, it is the record: what differs from the recipe was said by flags
    then. What another recipe states holds, and `require_resumable` compares it with the record. What the run started
    from is the recipe's: a run that resumes does without it. Raises ConfigurationError and CorruptFileError as
    `load_recipe` does.
    """
    named, begun = load_recipe(recipe), load_recipe(run.recipe_path)
    if recipe in (begun.history.recipe, begun.history.begun_by):
        return dataclasses.replace(begun, start=named.start, history=named.history)
    stated = stated_keys(recipe)
    try:
        sections = {
            section.name: _as_recorded(
                getattr(named, section.name), getattr(begun, section.name), stated.get(section.name, set())
            )
            for section in dataclasses.fields(named)
            if section.name not in ("start", "history")
        }
        return dataclasses.replace(named, **sections)
    except ConfigurationError:
        return named  # what it states cannot go together with the record, which a comparison of both will tell


def _as_recorded(own: Any, recorded: Any, stated: set[str]) -> Any:
    """A recipe's section with what was recorded where the recipe is silent."""
    silent = {field.name for field in dataclasses.fields(own)} - stated
    return dataclasses.replace(own, **{name: getattr(recorded, name) for name in silent})
