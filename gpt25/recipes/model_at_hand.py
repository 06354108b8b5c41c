"""The model that a lesson looks at: OpenAI's where it can be had, else a small one that is trained on the spot."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gpt25.counted import counted
from gpt25.errors import WeightsError
from gpt25.recipes.quickstart import quickstart
from gpt25.recipes.recipe import load_recipe
from gpt25.records import RunDirectory
from gpt25.training import TrainingConfiguration
from gpt25.weights import resolve_model

_CHECKPOINTS = 10  # about as many, and one before the first update: enough to see what forms when, 15 MB each
_MOST_CHECKPOINTS = 20  # an interval of 1.4 updates is rounded to 1, and one stands where the rate begins to fall
_SECONDS_BETWEEN_LINES = 20.0


def model_at_hand(
    run_path: str | Path, *, say: Callable[[str], None], published: str | None = "gpt2", minutes: float = 3.0
) -> str:
    """A MODEL word: `published` where the cache or the Hub has it, else `run_path`, a run like the quickstart's.

    The run is trained on Python's standard library if it is not there yet, goes on if it was interrupted, and is found
    again when it is done. It keeps a checkpoint from before its first update and about ten from then on. say: hears in
    a line each which of the two it is and, every 20 seconds, how far the training is. published: a size name or a Hub
    id; None trains without asking for any. minutes: how long a new run trains.

    Raises what `quickstart` raises: ConfigurationError, StorageError, Interrupted.
    """
    if published is not None:
        try:
            resolve_model(published)
            say(f"the model is OpenAI's {published}")
            return published
        except WeightsError as problem:
            say(f"OpenAI's {published} is not at hand: {problem}")
    run = RunDirectory(run_path)
    summary = run.read_summary()
    if summary is None or not summary.finished:
        say(f"a small GPT-2 is trained here instead, for {counted(minutes, 'minutes')}, once; it stays in {run.path}")
        summary = quickstart(run_path, minutes=minutes, reporter=_Lines(say), recipe=_recipe())
    say(
        f"the model is the small GPT-2 of {run.path}: {summary.model_parameters:,} parameters, trained on "
        f"{summary.tokens:,} tokens of Python's standard library"
    )
    return str(run.path)


def _recipe() -> TrainingConfiguration:
    """The quickstart's, with its beginning and its way kept."""
    recipe = load_recipe("quickstart")
    return dataclasses.replace(
        recipe,
        loop=dataclasses.replace(
            recipe.loop,
            record_start=True,
            checkpoint_interval_in_updates=recipe.loop.number_of_updates // _CHECKPOINTS,
            checkpoints_to_keep=_MOST_CHECKPOINTS,
        ),
    )


class _Lines:
    """A reporter that tells how far long work is, and nothing else of what a recipe says."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def say(self, text: str = "") -> None:
        """Keep samples and figures for those who ask for them."""

    def note(self, text: str) -> None:
        """Keep remarks too."""

    @contextlib.contextmanager
    def progress(self, description: str, total: int | None, unit: str, *, done: int = 0) -> Iterator["_Advance"]:
        """Tell of long work every so many seconds."""
        yield _Advance(self._say, description, total, unit, done)


class _Advance:
    """How far one piece of work is."""

    def __init__(self, say: Callable[[str], None], description: str, total: int | None, unit: str, done: int) -> None:
        self._say, self._description, self._total, self._unit = say, description, total, unit
        self._done, self._told = done, time.monotonic()

    def advance(self, units_done: int = 1, /, **fields: Any) -> None:
        """Count, and tell where the last line is long ago."""
        self._done += units_done
        if time.monotonic() - self._told < _SECONDS_BETWEEN_LINES:
            return
        self._told = time.monotonic()
        of = "" if self._total is None else f" of {self._total:,}"
        loss = f", loss {fields['loss']:.3f}" if "loss" in fields else ""
        self._say(f"  {self._description}: {self._done:,}{of} {self._unit}{loss}")
