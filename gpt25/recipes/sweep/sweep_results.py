"""What the runs of a sweep reached: every combination's mean over its seeds, with its standard error."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt25.recipes.sweep.sweep_plan import Changes, SweepRun, directories
from gpt25.records import RunDirectory


@dataclass(frozen=True)
class RunResult:
    """The end of one run; a run that has not ended has neither figure."""

    path: Path
    seed: int
    validation_loss: float | None
    """The last one, in nats per token."""
    training_seconds: float | None


@dataclass(frozen=True)
class Combination:
    """All seeds of one combination."""

    changes: Changes
    runs: list[RunResult]

    @property
    def losses(self) -> list[float]:
        """Those of the runs that have ended."""
        return [run.validation_loss for run in self.runs if run.validation_loss is not None]

    @property
    def mean(self) -> float | None:
        """Of the losses; None before the first."""
        return statistics.fmean(self.losses) if self.losses else None

    @property
    def standard_error(self) -> float | None:
        """Of the mean: the sample's standard deviation over the square root of its size; None for fewer than two."""
        losses = self.losses
        return statistics.stdev(losses) / math.sqrt(len(losses)) if len(losses) > 1 else None

    def as_json(self) -> dict[str, Any]:
        """What sweep.json says of it."""
        return {
            "changes": dict(self.changes),
            "mean_validation_loss": self.mean,
            "standard_error": self.standard_error,
            "runs_finished": len(self.losses),
            "runs": [
                {
                    "run": str(run.path),
                    "seed": run.seed,
                    "validation_loss": run.validation_loss,
                    "training_seconds": run.training_seconds,
                }
                for run in self.runs
            ],
        }


def sweep_results(sweep: Path, runs: Sequence[SweepRun]) -> list[Combination]:
    """The combinations, best mean first, those without one last in the plan's order."""
    found: dict[Changes, list[RunResult]] = {}
    for run, path in zip(runs, directories(sweep, runs), strict=True):
        found.setdefault(run.changes, []).append(_result(path, run.seed))
    combinations = [Combination(changes, results) for changes, results in found.items()]
    return sorted(combinations, key=lambda each: math.inf if each.mean is None else each.mean)


def is_finished(path: Path) -> bool:
    """Whether the run there has ended."""
    summary = RunDirectory(path).read_summary()
    return summary is not None and summary.finished


def _result(path: Path, seed: int) -> RunResult:
    summary = RunDirectory(path).read_summary()
    if summary is None or not summary.finished:
        return RunResult(path, seed, None, None)
    return RunResult(path, seed, summary.validation_loss, summary.training_seconds)


def verdict(combinations: Sequence[Combination]) -> str | None:
    """One sentence on how sure the order of the first two is; None where there are not two to compare."""
    measured = [each for each in combinations if each.mean is not None]
    if len(measured) < 2:
        return None
    first, second = measured[:2]
    assert first.mean is not None
    assert second.mean is not None
    difference = second.mean - first.mean
    if first.standard_error is None or second.standard_error is None:
        return f"The first is ahead of the second by {difference:.4f}; how much of that is luck, more seeds would tell."
    error = math.hypot(first.standard_error, second.standard_error)
    sure = "more than" if difference > 2 * error else "not more than"
    return (
        f"The first is ahead of the second by {difference:.4f} ± {error:.4f} (standard error): {sure} twice the error, "
        f"{'which is more than luck' if difference > 2 * error else 'which may be luck'}."
    )
