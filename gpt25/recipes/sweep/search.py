"""A search among settings: Optuna says which combination is tried next, from what those before it reached."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gpt25.errors import ConfigurationError
from gpt25.installation import missing_extra
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.sweep.sweep import Sweep, conclude, train_one, write_results
from gpt25.recipes.sweep.sweep_plan import Changes, SweepRun, directories, in_words, sweep_plan
from gpt25.recipes.sweep.sweep_results import is_finished, sweep_results
from gpt25.runtime import Ranks
from gpt25.storage import exclusive_lock, require_writable_directory
from gpt25.training import TrainingConfiguration

Change = Callable[[Changes], TrainingConfiguration]
_LOGARITHMIC_FROM = 10.0
"""A range whose upper end is so many times its lower one is searched by its logarithm."""


def require_searchable(
    varied: Sequence[Sequence[str]], trials: int, base: TrainingConfiguration, change: Change
) -> None:
    """Raise ConfigurationError for what cannot be searched, and MissingExtraError without Optuna."""
    if not 1 <= trials <= 10_000:
        raise ConfigurationError(f"--search is {trials:,}; it must be 1 to 10,000 combinations.")
    sweep_plan(base, [words[:2] for words in varied], 1, change)
    for key, *values in varied:
        for value in values:
            change(((key, value),))
        ends = _range(values)
        if ends is not None and not ends[0] < ends[1]:
            raise ConfigurationError(
                f"--vary {key} {' '.join(values)} is a range; its first end must be the lower one."
            )
    try:
        import optuna  # noqa: F401
    except ImportError as problem:
        raise missing_extra("--search needs the package optuna", extra="search") from problem


def run_search(
    sweep: Path,
    base: TrainingConfiguration,
    varied: Sequence[Sequence[str]],
    *,
    trials: int,
    number_of_seeds: int,
    change: Change,
    reporter: Reporter,
) -> Sweep:
    """Try combinations until there are `trials` of them, those of earlier calls counted; each with every seed.

    Two numbers behind a flag are the ends of a range, anything else is a choice. What Optuna knows lies in
    optuna.journal; a combination that was interrupted is gone on with first.
    """
    require_writable_directory(sweep)
    advice = "A search is one process; wait for it, stop it, or choose another --run directory."
    with exclusive_lock(sweep / ".search.lock", of=f"{sweep}", advice=advice):
        study = _study(sweep, base.loop.seed)
        distributions = {key: _distribution(values) for key, *values in varied}
        failed: dict[str, str] = {}
        runs: list[SweepRun] = []
        for trial in study.get_trials(deepcopy=False):
            runs += _runs(base, trial.params, number_of_seeds, change)
            if not trial.state.is_finished():
                _try(study, trial.number, sweep, runs, number_of_seeds, failed, reporter)
        while len(study.get_trials(deepcopy=False)) < trials:
            trial = study.ask(distributions)
            own = _runs(base, trial.params, number_of_seeds, change)
            runs += own
            reporter.say(f"combination {trial.number + 1:,} of {trials:,}: {in_words(own[0].changes)}")
            _try(study, trial.number, sweep, runs, number_of_seeds, failed, reporter)
            write_results(sweep, _without_doubles(runs), failed)
        return conclude(sweep, _without_doubles(runs), failed, reporter)


def _try(
    study: Any,
    number: int,
    sweep: Path,
    runs: Sequence[SweepRun],
    seeds: int,
    failed: dict[str, str],
    reporter: Reporter,
) -> None:
    """Do all seeds of the last combination, and tell Optuna their mean loss, or that there is none."""
    from optuna.trial import TrialState

    known, own = dict(zip(directories(sweep, runs), runs, strict=True)), runs[-seeds:]
    for run, path in zip(own, directories(sweep, own), strict=True):
        if not is_finished(path):
            train_one(run, path, failed, sweep=sweep, runs=known, reporter=reporter, ranks=Ranks())
    (combination,) = sweep_results(sweep, own)
    if combination.mean is None or not math.isfinite(combination.mean):
        study.tell(number, state=TrialState.FAIL)
    else:
        study.tell(number, combination.mean)


def _study(sweep: Path, seed: int) -> Any:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(sweep / "optuna.journal")))
    study = optuna.create_study(study_name="sweep", storage=storage, load_if_exists=True, direction="minimize")
    # A search that goes on must not draw again what it drew at its beginning.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.get_trials(deepcopy=False)))
    return study


def _distribution(values: Sequence[str]) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    ends = _range(values)
    if ends is None:
        return CategoricalDistribution(tuple(values))
    low, high = ends
    logarithmic = low > 0 and high / low >= _LOGARITHMIC_FROM
    if all(value.lstrip("+-").isdigit() for value in values):
        return IntDistribution(int(low), int(high), log=logarithmic)
    return FloatDistribution(low, high, log=logarithmic)


def _range(values: Sequence[str]) -> tuple[float, float] | None:
    """The two ends where the values are two numbers."""
    if len(values) != 2:
        return None
    try:
        return float(values[0]), float(values[1])
    except ValueError:
        return None


def _runs(base: TrainingConfiguration, parameters: dict[str, Any], seeds: int, change: Change) -> list[SweepRun]:
    """The runs of one combination, its numbers to six digits."""
    texts = {key: f"{value:.6g}" if isinstance(value, float) else str(value) for key, value in parameters.items()}
    return sweep_plan(base, list(texts.items()), seeds, change)


def _without_doubles(runs: Sequence[SweepRun]) -> list[SweepRun]:
    return list({run.name: run for run in runs}.values())
