"""Train a model by a recipe: a name in the package, or a TOML file. The same command resumes an unfinished run.

Every field of the recipe is a flag: --optimizer.peak-learning-rate 1e-3. On several GPUs, behind two dashes:
torchrun --nproc-per-node 8 -m -- gpt25 train RECIPE --run DIR

gpt25 train finetune --run DIR --start MODEL --data.texts my-texts/ goes on with a model on text of your own.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from tyro.conf import FlagConversionOff

from gpt25.cli.output import Output
from gpt25.cli.progress import duration_text
from gpt25.data import ReadingSettings
from gpt25.model import GPTConfiguration
from gpt25.recipes import load_recipe
from gpt25.records import (
    RunDirectory,
    in_this_shell,
    last_and_averaged_losses,
    last_validation_tokens,
    offered_command,
)
from gpt25.storage.paths.storage_error import shown
from gpt25.training import (
    BatchConfiguration,
    DataConfiguration,
    HellaSwagConfiguration,
    InitialisationConfiguration,
    LoopConfiguration,
    OptimizerConfiguration,
    ScheduleConfiguration,
    SpeedConfiguration,
    TrackConfiguration,
    TrainingConfiguration,
)

if TYPE_CHECKING:
    from gpt25.recipes import DryRun

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
class Arguments:
    """The recipe, the run directory, what to start from, and the recipe's own fields, which flags change."""

    recipe: tyro.conf.Positional[str]
    """A recipe in the package, or the path of a .toml file."""
    run: Path
    """Directory of the run; one that is there already is resumed."""
    start: str | None = None
    """A MODEL to start from instead of random weights (also RUN@best); a run that resumes does without it."""
    model: FlagConversionOff[GPTConfiguration] = dataclasses.field(default_factory=GPTConfiguration)
    initialisation: FlagConversionOff[InitialisationConfiguration] = dataclasses.field(
        default_factory=InitialisationConfiguration
    )
    data: FlagConversionOff[DataConfiguration] = dataclasses.field(default_factory=DataConfiguration)
    batch: FlagConversionOff[BatchConfiguration] = dataclasses.field(default_factory=BatchConfiguration)
    optimizer: FlagConversionOff[OptimizerConfiguration] = dataclasses.field(default_factory=OptimizerConfiguration)
    schedule: FlagConversionOff[ScheduleConfiguration] = dataclasses.field(default_factory=ScheduleConfiguration)
    loop: FlagConversionOff[LoopConfiguration] = dataclasses.field(default_factory=LoopConfiguration)
    speed: FlagConversionOff[SpeedConfiguration] = dataclasses.field(default_factory=SpeedConfiguration)
    track: FlagConversionOff[TrackConfiguration] = dataclasses.field(default_factory=TrackConfiguration)
    hellaswag: FlagConversionOff[HellaSwagConfiguration] = dataclasses.field(default_factory=HellaSwagConfiguration)
    dry_run: bool = False
    """Try the whole loop in a few small updates beside the run directory, with a resume, and say what worked."""
    json: bool = False
    """Print one JSON object on standard output."""


_SECTIONS = ("model", "initialisation", "data", "batch", "optimizer", "schedule", "loop", "speed", "track", "hellaswag")


def defaults(words: list[str]) -> Arguments | None:
    """The fields as the recipe on the command line has them; None where no recipe is named yet."""
    recipe = words[0] if words and not words[0].startswith("-") else None
    if recipe is None:
        return None
    content = load_recipe(recipe)
    sections = {name: getattr(content, name) for name in _SECTIONS}
    return Arguments(recipe=recipe, run=Path("runs") / Path(recipe).stem, start=content.start.model, **sections)


def run(arguments: Arguments, output: Output) -> None:
    """Train, and say where the result lies; or only try."""
    from gpt25.recipes import dry_run, pretrain
    from gpt25.runtime import Ranks

    ranks = Ranks.from_environment()
    if arguments.dry_run:
        found = dry_run(_configuration(arguments), arguments.run, reporter=output, ranks=ranks)
        if found is not None:
            output.result({"run": arguments.run, **dataclasses.asdict(found)}, _in_words(found))
        return
    done = pretrain(_configuration(arguments), arguments.run, reporter=output, ranks=ranks)
    if not ranks.is_first:
        return
    newest = done.checkpoints()[-1]
    state = newest.state()
    figures = {name: state[name] for name in ("update", "tokens", "elapsed_seconds")} | state["metrics"]
    best = _best(done)
    loss = figures["validation_loss"]
    sample = last_validation_tokens(done.metrics())
    lines = [
        f"{figures['update']:,} updates, {figures['tokens']:,} tokens, "
        f"validation loss {'not finite' if loss is None else f'{loss:.4f}'}"
        f"{'' if sample is None else f' on {sample:,} tokens'}{_which_weights(figures)}"
    ]
    if best is not None and best["update"] != newest.update:
        lines.append(f"the best checkpoint is older: {best['validation_loss']:.4f} after update {best['update']:,}")
        command = in_this_shell(offered_command("gpt25", "generate", done.path, "--checkpoint", "best"))
        lines.append(f"            {command}")
    lines += [f"loss graph: {shown(done.loss_picture_path)}", f"report:     {shown(done.report_path)}"]
    output.result({"run": done.path, **figures, "best": best}, "\n".join(lines), kept=done.path)


def _which_weights(figures: dict[str, Any]) -> str:
    """What the closing line adds where the weights of the last updates were averaged."""
    losses = last_and_averaged_losses(figures)
    if losses is None:
        return ""
    last, average = losses
    if average < last:
        return f" with the weights averaged over the last updates, which the run keeps ({last:.4f} with the last ones)"
    return f" with the last weights, which the run keeps ({average:.4f} with those averaged over the last updates)"


def _in_words(found: "DryRun") -> str:
    """What a dry run exercised, and what the whole run will need."""
    hellaswag = "" if found.hellaswag_accuracy_norm is None else f"HellaSwag ({found.hellaswag_accuracy_norm:.3f}), "
    same = "equal to the bit" if not found.resume_difference else f"equal to within {found.resume_difference:.1e}"
    return (
        f"the dry run went through: data, {found.updates} updates of {found.tokens_per_update:,} tokens (losses "
        f"{', '.join(f'{loss:.3f}' for loss in found.training_losses)}), validation ({found.validation_loss:.3f}), "
        f"{hellaswag}samples, checkpoints, a resume ({same}), pictures\n"
        f"{found.tokens_per_second:,.0f} tokens/s in these small updates: the whole run would take "
        f"{duration_text(found.whole_run_seconds)} without validation and checkpoints"
        f"{', by the row that was timed' if found.shortened else ''}\n"
        f"a checkpoint takes {found.checkpoint_bytes / 1e9:.2f} GB, all that are kept at once up to "
        f"{found.needed_bytes / 1e9:.2f} GB\nnothing was left behind; the same command without --dry-run starts the run"
    )


def _best(run: RunDirectory) -> dict[str, Any] | None:
    """Update and loss of the checkpoint that validated best, the later one of two equals."""
    measured = [(loss, -record.update) for record in run.checkpoints() if (loss := record.validation_loss) is not None]
    if not measured:
        return None
    loss, update = min(measured)
    return {"update": -update, "validation_loss": loss}


def _configuration(arguments: Arguments) -> TrainingConfiguration:
    """The recipe as the flags have changed it."""
    sections = {name: getattr(arguments, name) for name in _SECTIONS}
    start = dataclasses.replace(load_recipe(arguments.recipe).start, model=arguments.start)
    return TrainingConfiguration(start=start, **sections)
