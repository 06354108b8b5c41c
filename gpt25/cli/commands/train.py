"""Train a model by a recipe: a name in the package, or a TOML file. The same command resumes an unfinished run.

Every field of the recipe is a flag: --optimizer.peak-learning-rate 1e-3. On several GPUs, behind two dashes:
torchrun --nproc-per-node 8 -m -- gpt25 train RECIPE --run DIR

gpt25 train finetune --run DIR --start MODEL --data.texts my-texts/ goes on with a model on text of your own.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt25.cli.output import Output
from gpt25.cli.progress import duration_text
from gpt25.cli.training.recipe_flags import OTHER_FLAGS as OTHER_FLAGS
from gpt25.cli.training.recipe_flags import RecipeFlags, default_run, recipe_defaults
from gpt25.counted import counted
from gpt25.recipes import load_recipe, what_was_scaled
from gpt25.records import (
    RunDirectory,
    in_this_shell,
    last_and_averaged_losses,
    last_validation_tokens,
    offered_command,
)
from gpt25.storage import is_file
from gpt25.storage.paths.storage_error import shown

if TYPE_CHECKING:
    from gpt25.recipes import DryRun


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arguments(RecipeFlags):
    """The recipe, the run directory, what to start from, and the recipe's own fields, which flags change."""

    run: Path
    """Directory of the run; one that is there already is resumed, and goes on where it is to have more updates."""
    dry_run: bool = False
    """Try the whole loop in a few small updates beside the run directory, with a resume, and say what worked."""
    json: bool = False
    """Print one JSON object on standard output."""


def defaults(words: list[str]) -> Arguments | None:
    """The fields as the recipe on the command line has them; None where no recipe is named yet."""
    fields = recipe_defaults(words, goes_on=True)
    return None if fields is None else Arguments(run=default_run(fields["recipe"]), **fields)


def run(arguments: Arguments, output: Output) -> None:
    """Train, and say where the result lies; or only try."""
    configuration, run = arguments.configuration(), RunDirectory(arguments.run)
    if configuration.data.directory is not None and not (output.quiet or is_file(run.recipe_path)):
        from gpt25.recipes.run.run_data import require_data

        require_data(run, configuration)  # before torch is imported, which takes seconds
    from gpt25.recipes import dry_run, pretrain
    from gpt25.runtime import Ranks

    ranks = Ranks.from_environment()
    before = [record.update for record in run.checkpoints()]
    scaled = what_was_scaled(load_recipe(arguments.recipe), configuration)
    if scaled is not None and not is_file(run.recipe_path):
        output.say(scaled)
    if arguments.dry_run:
        found = dry_run(configuration, arguments.run, reporter=output, ranks=ranks)
        if found is not None:
            output.result({"run": arguments.run, **dataclasses.asdict(found)}, _in_words(found))
        return
    done = pretrain(configuration, arguments.run, reporter=output, ranks=ranks)
    if not ranks.is_first:
        return
    newest = done.checkpoints()[-1]
    state = newest.state()
    figures = {name: state[name] for name in ("update", "tokens", "elapsed_seconds")} | state["metrics"]
    best = _best(done)
    loss = figures["validation_loss"]
    sample = last_validation_tokens(done.metrics())
    lines = [
        f"{counted(figures['update'], 'updates')}, {figures['tokens']:,} tokens, "
        f"validation loss {'not finite' if loss is None else f'{loss:.4f}'}"
        f"{'' if sample is None else f' on {sample:,} tokens'}{_which_weights(figures)}"
    ]
    if best is not None and best["update"] != newest.update:
        lines.append(f"the best checkpoint is older: {best['validation_loss']:.4f} after update {best['update']:,}")
        command = in_this_shell(offered_command("gpt25", "generate", done.path, "--checkpoint", "best"))
        lines.append(f"            {command}")
    if before[-1:] == [newest.update]:
        lines.append("all of them were done before; more of them, by --loop.number-of-updates, go on with the run")
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
        f"the dry run went through: data, {counted(found.updates, 'updates')} of {found.tokens_per_update:,} tokens "
        "(losses "
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
