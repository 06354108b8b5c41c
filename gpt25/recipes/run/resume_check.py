"""A run resumes with the configuration that it started with."""

import dataclasses

from gpt25.errors import ConfigurationError
from gpt25.recipes.recipe import differences, load_recipe
from gpt25.records import RunDirectory, in_this_shell, offered_command
from gpt25.storage import is_file
from gpt25.training import HistoryConfiguration, SpeedConfiguration, TrainingConfiguration

# What may change when a run resumes, without changing what it learns.
_FREE_TO_CHANGE = {
    *(f"speed.{field.name}" for field in dataclasses.fields(SpeedConfiguration)),
    "batch.micro_batch_rows",
    "data.directory",
    "data.largest_document_bytes",
    "data.vocabulary_size_from",  # the size itself is compared
    "data.texts",  # their content is compared instead, by `prepare`
    "start.required",
    "hellaswag.data",
    "hellaswag.interval_in_updates",
    "hellaswag.limit",
    *(f"history.{field.name}" for field in dataclasses.fields(HistoryConfiguration)),
    "track.currency",
    "track.data_set",
    "track.loss_at_least",
    "track.loss_at_most",
    "track.mlflow",
    "track.price_per_hour",
    "track.tensorboard",
    "track.wandb",
    "loop.checkpoint_interval_in_updates",
    "loop.checkpoints_to_keep",
    "loop.compile",
    "loop.device",
    "loop.failed_saves_allowed",
    "loop.keep_plateau_checkpoint",
    "loop.non_finite_updates_allowed",
    "loop.record_start",
    "loop.sample_prompt",
    "loop.samples_interval_in_updates",
    "loop.timeout_seconds",
    "loop.validation_interval_in_updates",
}


_LENGTH = {"loop.number_of_updates", "loop.number_of_epochs"}


def require_resumable(run: RunDirectory, configuration: TrainingConfiguration) -> None:
    """Raise ConfigurationError where the run there started with a configuration that learns something else.

    It may become longer, never shorter.
    """
    if not is_file(run.recipe_path):
        return
    previous = load_recipe(run.recipe_path)
    is_longer = configuration.loop.number_of_updates > previous.loop.number_of_updates
    free = _FREE_TO_CHANGE | (_LENGTH if is_longer else set())
    changed = {name: values for name, values in differences(configuration, previous).items() if name not in free}
    if changed:
        now, then = configuration.history, previous.history
        if then.begun_by == "quickstart" and now.begun_by is None and now.recipe != then.begun_by:
            raise ConfigurationError(_of_the_quickstart(run, previous))
        listing = "; ".join(f"{name}: {now!r} now, {before!r} then" for name, (now, before) in sorted(changed.items()))
        by = "" if then.recipe is None else f"; it was begun by the recipe {then.recipe}"
        raise ConfigurationError(
            f"{run.path} holds a run with another configuration ({listing}){by}. "
            "Choose another --run directory, or give the old values to go on."
        )


def _of_the_quickstart(run: RunDirectory, previous: TrainingConfiguration) -> str:
    """What the run is, and what to type instead of what does not fit it."""
    number = previous.loop.number_of_updates
    goes_on = offered_command("gpt25", "quickstart", "--run", run.path)
    longer = offered_command(
        "gpt25", "train", run.recipe_path, "--run", run.path, "--loop.number-of-updates", str(2 * number)
    )
    return (
        f"{run.path} holds a run of `gpt25 quickstart`, with text, vocabulary and {number:,} updates of its own. This "
        f"goes on with it, or shows it when it is done: {in_this_shell(goes_on)}. This trains it twice as long: "
        f"{in_this_shell(longer)}. What you typed begins a run of its own in another --run directory."
    )
