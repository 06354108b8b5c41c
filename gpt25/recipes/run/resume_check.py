"""A run resumes with the configuration that it started with."""

import dataclasses

from gpt25.errors import ConfigurationError
from gpt25.recipes.recipe import differences, load_recipe
from gpt25.records import RunDirectory
from gpt25.storage import is_file
from gpt25.training import SpeedConfiguration, TrainingConfiguration

# What may change when a run resumes, without changing what it learns.
_FREE_TO_CHANGE = {
    *(f"speed.{field.name}" for field in dataclasses.fields(SpeedConfiguration)),
    "batch.micro_batch_rows",
    "data.directory",
    "data.largest_document_bytes",
    "data.texts",  # their content is compared instead, by `prepare`
    "start.required",
    "hellaswag.data",
    "hellaswag.interval_in_updates",
    "hellaswag.limit",
    "track.currency",
    "track.data_set",
    "track.loss_at_least",
    "track.loss_at_most",
    "track.price_per_hour",
    "track.tensorboard",
    "loop.checkpoint_interval_in_updates",
    "loop.checkpoints_to_keep",
    "loop.compile",
    "loop.device",
    "loop.failed_saves_allowed",
    "loop.non_finite_updates_allowed",
    "loop.record_start",
    "loop.sample_prompt",
    "loop.samples_interval_in_updates",
    "loop.timeout_seconds",
    "loop.validation_interval_in_updates",
}


def require_resumable(run: RunDirectory, configuration: TrainingConfiguration) -> None:
    """Raise ConfigurationError where the run there started with a configuration that learns something else."""
    if not is_file(run.recipe_path):
        return
    previous = load_recipe(run.recipe_path)
    changed = {
        name: values for name, values in differences(configuration, previous).items() if name not in _FREE_TO_CHANGE
    }
    if changed:
        listing = "; ".join(f"{name}: {now!r} now, {before!r} then" for name, (now, before) in sorted(changed.items()))
        raise ConfigurationError(
            f"{run.path} holds a run with another configuration ({listing}). "
            "Choose another --run directory, or give the old values to go on."
        )
