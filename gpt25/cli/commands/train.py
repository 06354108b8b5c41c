"""Train a model by a recipe: a name in the package, or a TOML file. The same words resume an unfinished run.

Every field of the recipe is a flag: --optimizer.peak-learning-rate 1e-3. On several GPUs, behind two dashes:
torchrun --nproc-per-node 8 -m -- gpt25 train RECIPE --run DIR
"""

import dataclasses
from pathlib import Path
from typing import Any

import tyro

from gpt25.cli.output import Output
from gpt25.recipes import load_recipe, pretrain
from gpt25.runtime import Ranks
from gpt25.training import TrainingConfiguration


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arguments(TrainingConfiguration):
    """The recipe, the run directory, and the recipe's own fields, which flags change."""

    recipe: tyro.conf.Positional[str]
    """A recipe in the package, or the path of a .toml file."""
    run: Path
    """Directory of the run; one that was begun is gone on with."""
    json: bool = False
    """Print one JSON object on standard output."""


def defaults(words: list[str]) -> Arguments | None:
    """The fields as the recipe among the words has them; None where no recipe is named yet."""
    recipe = words[0] if words and not words[0].startswith("-") else None
    if recipe is None:
        return None
    return Arguments(recipe=recipe, run=Path("runs") / Path(recipe).stem, **_sections(load_recipe(recipe)))


def run(arguments: Arguments, output: Output) -> None:
    """Train, and say where the result lies."""
    configuration = TrainingConfiguration(**_sections(arguments))
    ranks = Ranks.from_environment()
    done = pretrain(configuration, arguments.run, people=output, ranks=ranks)
    if not ranks.is_first:
        return
    state = done.checkpoints()[-1].state()
    figures = {name: state[name] for name in ("update", "tokens", "elapsed_seconds")} | state["metrics"]
    loss = figures["validation_loss"]
    output.result(
        {"run": done.path, **figures},
        f"{figures['update']:,} updates, {figures['tokens']:,} tokens, "
        f"validation loss {'not finite' if loss is None else f'{loss:.4f}'}\n"
        f"loss graph: {done.loss_picture_path}\nreport:     {done.report_path}",
    )


def _sections(configuration: TrainingConfiguration) -> dict[str, Any]:
    return {field.name: getattr(configuration, field.name) for field in dataclasses.fields(TrainingConfiguration)}
