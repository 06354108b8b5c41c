"""Which runs a sweep is made of: every combination of what is varied, with every seed."""

import dataclasses
import hashlib
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gpt25.errors import ConfigurationError
from gpt25.training import TrainingConfiguration

Changes = tuple[tuple[str, str], ...]
"""(flag, value) for each flag that is varied: (("optimizer.muon-peak-learning-rate", "0.02"),)."""
_LONGEST_NAME = 120
_MOST_RUNS = 10_000


@dataclasses.dataclass(frozen=True)
class SweepRun:
    """One run: what it has otherwise than the recipe, and where it lies."""

    name: str
    """Of its directory, within the sweep's."""
    changes: Changes
    seed: int
    configuration: TrainingConfiguration


def sweep_plan(
    base: TrainingConfiguration,
    varied: Sequence[Sequence[str]],
    number_of_seeds: int,
    change: Callable[[Changes], TrainingConfiguration],
) -> list[SweepRun]:
    """Every run, the seeds of one combination one after the other; seeds count up from the recipe's.

    varied: for each flag its name and its values. change: the configuration with some changes; raises
    ConfigurationError for a flag or a value that there is not, which happens here, before anything runs.
    """
    values = _checked(varied, number_of_seeds)
    runs = []
    for combination in itertools.product(*([(key, value) for value in of] for key, of in values.items())):
        configuration = change(combination)
        for number in range(number_of_seeds):
            seed = configuration.loop.seed + number
            seeded = dataclasses.replace(configuration, loop=dataclasses.replace(configuration.loop, seed=seed))
            name = run_name(combination, None if number_of_seeds == 1 else seed)
            runs.append(SweepRun(name, combination, seed, seeded))
    return runs


def _checked(varied: Sequence[Sequence[str]], number_of_seeds: int) -> dict[str, tuple[str, ...]]:
    if not varied:
        raise ConfigurationError(
            "nothing is varied: give --vary KEY VALUE VALUE …, such as "
            "--vary optimizer.muon-peak-learning-rate 0.01 0.02"
        )
    if not 1 <= number_of_seeds <= _MOST_RUNS:
        raise ConfigurationError(f"--seeds is {number_of_seeds:,}; it must be 1 to {_MOST_RUNS:,}.")
    values: dict[str, tuple[str, ...]] = {}
    for key, *of in varied:
        key = key.removeprefix("--").replace("_", "-")
        if key in values:
            raise ConfigurationError(f"--vary names {key} twice; give all its values behind one.")
        if key == "loop.seed":
            raise ConfigurationError("--vary loop.seed is --seeds N: so many seeds of every combination.")
        if not of:
            raise ConfigurationError(f"--vary {key} has no value; at least one follows its name.")
        if len(set(of)) < len(of):
            raise ConfigurationError(f"--vary {key} has a value twice: {' '.join(of)}.")
        values[key] = tuple(of)
    runs = number_of_seeds
    for choices in values.values():
        runs *= len(choices)
    if runs > _MOST_RUNS:
        raise ConfigurationError(f"that makes {runs:,} runs; a sweep has at most {_MOST_RUNS:,}.")
    return values


def run_name(changes: Changes, seed: int | None) -> str:
    """run_name((("optimizer.peak-learning-rate", "0.02"),), 7) -> "optimizer.peak-learning-rate=0.02,seed=7"."""
    whole = ",".join([f"{key}={value}" for key, value in changes] + ([] if seed is None else [f"seed={seed}"]))
    name = re.sub(r"[^\w.,=+-]", "-", whole)
    if name == whole and len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def in_words(changes: Changes | Mapping[str, str]) -> str:
    """in_words((("loop.number-of-updates", "20"),)) -> "loop.number-of-updates 20"."""
    pairs = changes.items() if isinstance(changes, Mapping) else changes
    return ", ".join(f"{key} {value}" for key, value in pairs)


def directories(sweep: Path, runs: Sequence[SweepRun]) -> list[Path]:
    """Where the runs lie."""
    return [sweep / "runs" / run.name for run in runs]
