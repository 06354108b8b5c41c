"""Do the runs of a sweep, one after the other, each an ordinary run, and lay them beside one another."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt25.data import WHOLE, Part
from gpt25.errors import GPT25Error, StorageError, TrainingError
from gpt25.plots import ReportSettings, write_report
from gpt25.recipes.pretrain import pretrain
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.run.resume_check import require_resumable
from gpt25.recipes.sweep.shared_texts import share_texts
from gpt25.recipes.sweep.sweep_plan import SweepRun, directories, in_words
from gpt25.recipes.sweep.sweep_results import Combination, is_finished, sweep_results
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks
from gpt25.storage import exclusive_lock, require_writable_directory, write_json

RESULT_NAME, REPORT_NAME = "sweep.json", "report.html"
_LONGEST_WAIT_SECONDS = 20.0
_MOST_RUNS_OF_A_REPORT = 24  # more lines than that nobody tells apart


@dataclass(frozen=True)
class Sweep:
    """What a sweep has reached: its combinations, best first, and the runs that went wrong, with why."""

    combinations: list[Combination]
    failed: dict[str, str]
    report_path: Path | None
    """None where nothing could be drawn."""


def run_sweep(
    sweep: Path,
    runs: Sequence[SweepRun],
    *,
    part: Part = WHOLE,
    reporter: Reporter,
    ranks: Ranks | None = None,
) -> Sweep:
    """Do what of the plan is not done, of one part of it; then say what all of it has reached so far.

    A run that goes wrong does not cost the others. Raises ConfigurationError, before anything runs, where a run stands
    there that was begun otherwise; Interrupted after a signal once everything is saved: the same call goes on.
    """
    ranks = ranks or Ranks()
    if ranks.is_first:
        require_writable_directory(sweep)
    paths = directories(sweep, runs)
    by_path = dict(zip(paths, runs, strict=True))
    for run, path in zip(runs, paths, strict=True):
        require_resumable(RunDirectory(path), run.configuration)
    own = [place for place in range(len(runs)) if place % part.count == part.number - 1]
    failed: dict[str, str] = {}
    for number, place in enumerate(own, start=1):
        run, path = runs[place], paths[place]
        if is_finished(path):
            continue
        if ranks.is_first:
            reporter.say(f"run {number:,} of {len(own):,}: {in_words(run.changes)}, seed {run.seed}")
        train_one(run, path, failed, sweep=sweep, runs=by_path, reporter=reporter, ranks=ranks)
        if ranks.is_first:
            write_results(sweep, runs, failed)
    return conclude(sweep, runs, failed, reporter) if ranks.is_first else Sweep([], failed, None)


def train_one(
    run: SweepRun,
    path: Path,
    failed: dict[str, str],
    *,
    sweep: Path,
    runs: Mapping[Path, SweepRun],
    reporter: Reporter,
    ranks: Ranks,
) -> None:
    """Train one run, or go on with it; where it goes wrong, `failed` then says why.

    runs: those of the sweep that are known, by their directories; texts that several of them read are encoded once.
    """
    try:
        if ranks.is_first:
            share_texts(run, path, runs, sweep=sweep, reporter=reporter)
        pretrain(run.configuration, path, reporter=reporter, ranks=ranks)
    except (TrainingError, StorageError) as problem:
        failed[run.name] = str(problem)
        reporter.note(f"{run.name} went wrong: {problem}")


def write_results(sweep: Path, runs: Sequence[SweepRun], failed: Mapping[str, str]) -> list[Combination]:
    """Write sweep.json anew by what the run directories say, so that several parts agree on it."""
    lock = sweep / ".sweep.lock"
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while True:
        try:
            with exclusive_lock(lock, of=f"{sweep / RESULT_NAME}", advice="Another part of the sweep writes it."):
                combinations = sweep_results(sweep, runs)  # read while no other part can write an older state after it
                content: dict[str, Any] = {
                    "combinations": [each.as_json() for each in combinations],
                    "failed": dict(failed),
                }
                write_json(sweep / RESULT_NAME, content)
                return combinations
        except StorageError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def conclude(sweep: Path, runs: Sequence[SweepRun], failed: Mapping[str, str], reporter: Reporter) -> Sweep:
    """Write results and report, of the best combinations where there are very many runs."""
    combinations = write_results(sweep, runs, failed)
    finished = [RunDirectory(run.path) for each in combinations for run in each.runs if run.validation_loss is not None]
    report = sweep / REPORT_NAME
    if not finished:
        return Sweep(combinations, dict(failed), None)
    if len(finished) > _MOST_RUNS_OF_A_REPORT:
        reporter.note(f"the report shows the best {_MOST_RUNS_OF_A_REPORT} of {len(finished):,} runs")
        finished = finished[:_MOST_RUNS_OF_A_REPORT]
    try:
        write_report(finished, report, settings=ReportSettings())
    except GPT25Error as problem:
        reporter.note(f"the report was not drawn: {problem}")
        return Sweep(combinations, dict(failed), None)
    return Sweep(combinations, dict(failed), report)
