"""A checkpoint: a model directory, the optimizer's state and the training state, written atomically."""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from gpt25.errors import ConfigurationError, CorruptFileError, StorageError
from gpt25.model import GPTModel
from gpt25.records import STATE_NAME, CheckpointRecord, RunDirectory
from gpt25.storage import atomic_directory, discard, write_json, write_manifest
from gpt25.tokenizer import Tokenizer
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.optimizers.optimizers import Optimizers
from gpt25.training.optimizers.schedule import plateau_end_to_keep
from gpt25.training.optimizers.weight_average import WeightAverage
from gpt25.training.sharding import copy_full
from gpt25.weights import load_pretrained, write_model_files
from gpt25.weights.safetensors.safetensors_file import write_safetensors

OPTIMIZER_NAME = "optimizer.safetensors"
AVERAGE_NAME = "average.safetensors"
_VERSION = 1
_DROPOUT_RATES = ("embedding_dropout", "attention_dropout", "residual_dropout")


@dataclasses.dataclass
class TrainingState:
    """Where a run stands: everything beside weights and optimizer that a restart needs to go on exactly.

    The data order and dropout are pure functions of the seed, the update and the rank, so no generator needs saving.
    """

    update: int = 0
    """Updates done."""
    tokens: int = 0
    """Tokens that these updates read."""
    rows: int = 0
    """Rows of block_size tokens that these updates read: the position in the data."""
    elapsed_seconds: float = 0.0
    """Time spent in the run, without pauses between interruption and restart."""
    non_finite_updates: int = 0
    """Updates skipped so far for a NaN or an infinity."""
    metrics: dict[str, float | None] = dataclasses.field(default_factory=dict)
    """training_loss and validation_loss of the last update in nats per token (after a run's last one, with an average,
    those of the last weights and of the average too); None where not finite or not measured."""


def save_checkpoint(
    run: RunDirectory,
    state: TrainingState,
    *,
    model: GPTModel,
    optimizer_state: dict[str, torch.Tensor],
    average: dict[str, torch.Tensor],
    tokenizer: Tokenizer | None,
    details: dict[str, Any],
) -> Path:
    """Write `checkpoints/update-NNNNNN/` atomically, its MANIFEST.json last; returns its path.

    `average` is what WeightAverage.state returns, empty where no checkpoint needs it. `details` (configuration, seed,
    tokenizer, number of ranks) goes into state.json beside the state's own fields.
    Raises StorageError or DiskFullError; what was there before is untouched then.
    """
    path = run.checkpoint_path(state.update)
    with atomic_directory(path) as directory:
        write_model_files(model, tokenizer, directory)
        write_safetensors(directory / OPTIMIZER_NAME, optimizer_state)
        if average:
            write_safetensors(directory / AVERAGE_NAME, average)
        write_json(directory / STATE_NAME, {"version": _VERSION, **dataclasses.asdict(state), **details})
        write_manifest(directory)
    return path


def load_checkpoint(
    record: CheckpointRecord,
    *,
    model: GPTModel,
    optimizers: Optimizers,
    average: WeightAverage | None,
    tokenizer_name: str,
    fingerprint: str | None,
) -> TrainingState:
    """Fill model, optimizers and average from a checkpoint with a verified manifest; return where the run stood.

    Raises ConfigurationError, naming both, where the data's tokenizer (its name and fingerprint) is not the
    checkpoint's, and CorruptFileError for a file that no save of this model can have written.
    """
    content = record.state()
    _require_tokenizer(record, content, tokenizer_name, fingerprint)
    state = _state_of(record, content)
    saved, _ = load_pretrained(record.path)
    # Dropout is no part of a model directory's promise, so it may differ between a checkpoint and its run.
    rates = {name: getattr(saved.configuration, name) for name in _DROPOUT_RATES}
    if saved.configuration != dataclasses.replace(model.configuration, **rates):
        raise CorruptFileError(f"{record.path} holds a model of another shape: {saved.configuration}")
    with torch.no_grad():
        for parameter, stored in zip(model.parameters(), saved.parameters(), strict=True):
            copy_full(parameter, stored)
    optimizers.load_state(_tensors(record.path / OPTIMIZER_NAME))
    if average is not None and average.is_in_checkpoint(state.update):
        average.load_state(_tensors(record.path / AVERAGE_NAME), updates_done=state.update)
    return state


def prune_checkpoints(run: RunDirectory, *, keep: int, keep_update: int | None = None) -> None:
    """Delete all but the newest `keep` checkpoints, the best one by validation loss, and the one after `keep_update`.

    What the disk does not let go stays.
    """
    records = run.checkpoints()
    measured = [(loss, -record.update) for record in records if (loss := _validation_loss(record)) is not None]
    best = -min(measured)[1] if measured else None
    for record in records[:-keep]:
        if record.update not in (best, keep_update):
            discard(record.path)


def most_checkpoints(configuration: TrainingConfiguration) -> int:
    """How many complete checkpoints a run has at most, with the one that is being written.

    Those that are kept because they are the newest, the best one, and a trapezoid's before its fall.
    """
    return configuration.loop.checkpoints_to_keep + 2 + (plateau_end_to_keep(configuration) is not None)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as problem:
        raise CorruptFileError(f"{path} cannot be read: {problem}") from problem


def _validation_loss(record: CheckpointRecord) -> float | None:
    """A checkpoint's validation loss; None also where its state.json got damaged, which cannot make it the best."""
    try:
        return record.validation_loss
    except StorageError:
        return None


def _state_of(record: CheckpointRecord, content: dict[str, Any]) -> TrainingState:
    if content.get("version") != _VERSION:
        raise CorruptFileError(
            f"{record.path / STATE_NAME} has version {content.get('version')!r}; this gpt25 reads version {_VERSION}."
        )
    try:
        return TrainingState(**{field.name: content[field.name] for field in dataclasses.fields(TrainingState)})
    except KeyError as problem:
        raise CorruptFileError(f"{record.path / STATE_NAME} has no {problem}.") from problem


def _require_tokenizer(record: CheckpointRecord, content: dict[str, Any], name: str, fingerprint: str | None) -> None:
    """Raise ConfigurationError where both sides know their tokenizer and it is not the same one."""
    saved_name, saved = content.get("tokenizer_name"), content.get("tokenizer_fingerprint")
    if saved is not None and fingerprint is not None and saved != fingerprint:
        raise ConfigurationError(
            f"{record.path} was trained with the tokenizer {saved_name} ({saved}); the data is of the tokenizer "
            f"{name} ({fingerprint}). Give the old data to go on, or choose another --run directory."
        )
