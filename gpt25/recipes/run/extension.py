"""A run that goes on for more updates than it was begun with."""

import dataclasses
import os
import re
import shutil
from pathlib import Path

from gpt25.errors import StorageError
from gpt25.recipes.reporter import Reporter
from gpt25.records import CheckpointRecord, RunDirectory
from gpt25.storage import atomic_directory, is_directory, is_file, matching, verify_manifest
from gpt25.storage.atomic import storage_error
from gpt25.training import HistoryConfiguration, TrainingConfiguration
from gpt25.training.optimizers.schedule import learning_rate_factor, plateau_end, rises_again

_UPDATE_OF_SCORE = re.compile(r"-update-(\d{6,})(-first-\d+)?\.json$", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Extension:
    """How a run becomes longer."""

    configuration: TrainingConfiguration
    """The longer run's, with its history."""
    updates_before: int
    """Updates that it was to have."""
    newest: int
    """Updates after which its newest intact checkpoint stands; 0 without one."""
    goes_on_after: int
    """Updates after which it goes on: those, or fewer where it goes back to the end of its plateau."""


def find_extension(
    run: RunDirectory, previous: TrainingConfiguration | None, configuration: TrainingConfiguration
) -> Extension | None:
    """How the run becomes as long as the configuration asks; None where it is as long already. Changes nothing.

    From its newest intact checkpoint; of a trapezoid that has begun to fall from the one before its fall, where that is
    kept. previous: what the run was begun with, None for a new one.
    """
    if previous is None or configuration.loop.number_of_updates <= previous.loop.number_of_updates:
        return None
    newest, _ = run.newest_intact_checkpoint()
    done = newest.update if newest else 0
    level = plateau_end(previous)
    goes_on_after = level if level is not None and level < done and _is_intact(run, level) else done
    longer = dataclasses.replace(configuration, history=_history(previous, goes_on_after))
    return Extension(longer, previous.loop.number_of_updates, done, goes_on_after)


def _history(previous: TrainingConfiguration, goes_on_after: int) -> HistoryConfiguration:
    """What is still true of the history before, and this extension; nothing of one before the first update."""
    before = previous.history.extensions
    kept = tuple(pair for pair in before if pair[0] <= goes_on_after)
    planned = before[len(kept)][1] if len(kept) < len(before) else previous.loop.number_of_updates
    added = ((goes_on_after, planned),) if goes_on_after else ()
    return dataclasses.replace(previous.history, extensions=kept + added)


def _is_intact(run: RunDirectory, update: int) -> bool:
    path = run.checkpoint_path(update)
    try:
        verify_manifest(path)
    except StorageError:
        return False
    return True


def extend_run(run: RunDirectory, extension: Extension, *, reporter: Reporter) -> None:
    """Say what the extension means, and put aside what is not true of the longer run any more.

    A run that goes back keeps what it ended as, as a run of its own beside its files, until the user deletes it. A
    process that dies in between leaves a run that the same command makes longer.
    """
    ended = None
    if extension.goes_on_after < extension.newest:
        ended = _keep_as_run(run, extension.newest, after=extension.goes_on_after)
    reporter.say(_in_words(run, extension, ended))
    run.summary_path.unlink(missing_ok=True)


def _in_words(run: RunDirectory, extension: Extension, ended: RunDirectory | None) -> str:
    configuration, done = extension.configuration, extension.goes_on_after
    number, schedule = configuration.loop.number_of_updates, configuration.schedule
    text = f"{run.path} goes on after update {done:,} to {number:,} updates instead of {extension.updates_before:,}: "
    if ended is not None:
        return text + (
            f"there its learning rates were still at their peak, and what it did while they fell is done anew, later. "
            f"The run as it was after update {extension.newest:,} is kept in {ended.path}."
        )
    if not rises_again(configuration):
        return text + "its learning rates have not begun to fall, and will do so later."
    extensions = configuration.history.extensions
    reached = learning_rate_factor(schedule, done - 1, extension.updates_before, extensions=extensions[:-1])
    end = next(
        update for update in range(done, number + 1)
        if update == number or learning_rate_factor(schedule, update, number, extensions=extensions) == 1
    )  # fmt: skip
    return text + (
        f"its learning rates had fallen to {reached:.0%} of their peak; they rise to it again by update {end + 1:,}, "
        "with which the loss rises at first, and fall again to the new end."
    )


def _keep_as_run(run: RunDirectory, newest: int, *, after: int) -> RunDirectory:
    """Move checkpoints and scores of later updates into a run of their own, with copies of the records; returns it."""
    ended = RunDirectory(run.path / f"ended-{newest:06d}")
    if not is_directory(ended.path):
        copied = [
            path for name, path in vars(run).items()
            if name.endswith("_path") and path.name not in (".lock",) and is_file(path)
        ]  # fmt: skip
        with atomic_directory(ended.path) as folder:
            for path in copied:
                shutil.copyfile(path, folder / path.name)
    for record in _later_checkpoints(run, after):
        _move(record.path, ended.checkpoint_path(record.update))
    for path in _later_scores(run, after):
        _move(path, ended.evaluations_path / path.name)
    return ended


def _later_checkpoints(run: RunDirectory, after: int) -> list[CheckpointRecord]:
    return [record for record in run.checkpoints() if record.update > after]


def _later_scores(run: RunDirectory, after: int) -> list[Path]:
    """Files of scores, by the update in their names."""
    found = [(path, _UPDATE_OF_SCORE.search(path.name)) for path in matching(run.evaluations_path, "*.json")]
    return [path for path, match in found if match and int(match[1]) > after]


def _move(path: Path, target: Path) -> None:
    try:
        target.parent.mkdir(exist_ok=True)
        os.replace(path, target)
    except OSError as problem:
        raise storage_error(problem, path, "cannot move") from problem
