"""Train by a recipe with every combination of some settings and every seed, and compare them.

Each is an ordinary run in DIR/runs, one after the other. The same command goes on with a sweep that was interrupted,
and with more values or seeds it becomes larger. On a cluster, --part lets each task of an array do its share. Every
field of the recipe is a flag, as in gpt25 train, and holds for all runs.
"""

import dataclasses
import shlex
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import tyro

from gpt25.cli.output import Output
from gpt25.cli.parsing import parse
from gpt25.cli.training.recipe_flags import OTHER_FLAGS as OTHER_FLAGS
from gpt25.cli.training.recipe_flags import RecipeFlags, default_run, recipe_defaults
from gpt25.data import WHOLE, Part
from gpt25.errors import ConfigurationError, TrainingError
from gpt25.recipes import of_length
from gpt25.recipes.sweep.sweep_plan import Changes, in_words, sweep_plan
from gpt25.recipes.sweep.sweep_results import verdict
from gpt25.storage.paths.storage_error import shown
from gpt25.training import TrainingConfiguration

if TYPE_CHECKING:
    from gpt25.recipes.sweep.sweep import Sweep

_LENGTH = "loop.number-of-updates"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arguments(RecipeFlags):
    """The recipe, what is varied, and the recipe's own fields, which flags change for all runs."""

    run: Path
    """Directory of the sweep; its runs, sweep.json and report.html."""
    vary: tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]] = ()
    """A flag of the recipe without its dashes, and its values; given several times, every combination is run. A value
    of several words is written in quotes."""
    seeds: int = 1
    """Runs of every combination, with seeds that count up from loop.seed."""
    part: str | None = None
    """Only a share of the runs, such as 3/8, for the third of eight tasks of an array."""
    search: int | None = None
    """Let Optuna choose so many combinations (extra `search`): two numbers behind --vary are the ends of a range, other
    values are a choice."""
    json: bool = False
    """Print one JSON object on standard output."""


def defaults(words: list[str]) -> Arguments | None:
    """The fields as the recipe on the command line has them; None where no recipe is named yet."""
    fields = recipe_defaults(words, goes_on=False)
    if fields is None:
        return None
    run = default_run(fields["recipe"])
    return Arguments(run=run.with_name(f"{run.name}-sweep"), **fields)


def run(arguments: Arguments, output: Output) -> None:
    """Check every run, do what is not done, and compare."""
    part = WHOLE if arguments.part is None else Part.parse(arguments.part)
    base = arguments.configuration()
    if arguments.search is not None:
        found = _searched(arguments, base, output)
    else:
        runs = sweep_plan(base, arguments.vary, arguments.seeds, lambda changes: _changed(arguments, base, changes))
        from gpt25.recipes.sweep.sweep import run_sweep
        from gpt25.runtime import Ranks

        ranks = Ranks.from_environment()
        found = run_sweep(arguments.run, runs, part=part, reporter=output, ranks=ranks)
        if not ranks.is_first:
            return
    _say(found, output)
    content = {
        "run": arguments.run,
        "combinations": [each.as_json() for each in found.combinations],
        "failed": found.failed,
        "report": found.report_path,
    }
    output.result(content, kept=arguments.run)
    if found.failed:
        total, names = sum(len(each.runs) for each in found.combinations), ", ".join(found.failed)
        raise TrainingError(f"{len(found.failed)} of {total:,} runs went wrong: {names}; see above.")


def _searched(arguments: Arguments, base: TrainingConfiguration, output: Output) -> "Sweep":
    """What a search finds; raises ConfigurationError where it is to be shared among processes."""
    from gpt25.recipes.sweep.search import require_searchable, run_search
    from gpt25.runtime import Ranks

    if arguments.part is not None or not Ranks.from_environment().is_alone:
        raise ConfigurationError("a search is one process: leave --part out, and start it without torchrun.")
    assert arguments.search is not None

    def change(changes: Changes) -> TrainingConfiguration:
        return _changed(arguments, base, changes)

    varied = [(key.removeprefix("--").replace("_", "-"), *values) for key, *values in arguments.vary]
    require_searchable(varied, arguments.search, base, change)
    return run_search(
        arguments.run,
        base,
        varied,
        trials=arguments.search,
        number_of_seeds=arguments.seeds,
        change=change,
        reporter=output,
    )


def _say(found: "Sweep", output: Output) -> None:
    rows = [
        (
            in_words(each.changes),
            len(each.losses),
            "" if each.mean is None else f"{each.mean:.4f}",
            "" if each.standard_error is None else f"{each.standard_error:.4f}",
            "" if not each.losses else f"{min(each.losses):.4f}",
        )
        for each in found.combinations
    ]
    output.table("validation loss, nats per token", ("varied", "runs", "mean", "std. error", "lowest"), rows)
    sentence = verdict(found.combinations)
    if sentence is not None:
        output.say(sentence)
    if found.report_path is not None:
        output.say(f"report:     {shown(found.report_path)}")


def _changed(arguments: Arguments, base: TrainingConfiguration, changes: Changes) -> TrainingConfiguration:
    """The configuration of all runs with some flags changed, as the command line reads them."""
    lengths = [value for key, value in changes if key == _LENGTH]
    start = base
    if lengths and lengths[0].isascii() and lengths[0].isdigit() and int(lengths[0]) > 0:
        start = of_length(base, int(lengths[0]))  # with warm-up and intervals in proportion
    fields = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(RecipeFlags)}
    sections = {name: getattr(start, name) for name in fields if name not in ("recipe", "start")}
    flags = ModuleType("flags")
    flags.Arguments = RecipeFlags  # type: ignore[attr-defined]
    flags.defaults = lambda words: RecipeFlags(**{**fields, **sections})  # type: ignore[attr-defined]
    words = [arguments.recipe]
    for key, value in changes:
        words += [f"--{key}", *_words(key, value)]
    try:
        return parse(flags, "train", words).configuration()
    except ConfigurationError as problem:
        raise ConfigurationError(f"--vary {in_words(changes)}: {problem}") from problem


def _words(key: str, value: str) -> list[str]:
    """The words of a value: "0.5 32" -> ["0.5", "32"]."""
    try:
        return shlex.split(value)
    except ValueError as problem:
        raise ConfigurationError(f"--vary {key} {value!r}: {problem}") from problem
