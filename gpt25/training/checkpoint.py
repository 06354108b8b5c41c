"""A checkpoint: a model directory, the optimizer's state and where the run stood, whole or absent."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from gpt25.errors import CorruptFileError
from gpt25.model import GPTModel
from gpt25.records import STATE_NAME, CheckpointRecord, RunDirectory
from gpt25.storage import atomic_directory, write_json, write_manifest
from gpt25.tokenizer import Tokenizer
from gpt25.training.optimizers import Optimizers
from gpt25.weights import load_pretrained, write_model_files
from gpt25.weights.safetensors_file import write_safetensors

OPTIMIZER_NAME = "optimizer.safetensors"


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
    """The latest training_loss and validation_loss, in nats per token."""


def save_checkpoint(
    run: RunDirectory,
    state: TrainingState,
    *,
    model: GPTModel,
    optimizers: Optimizers,
    tokenizer: Tokenizer | None,
    details: dict[str, Any],
) -> Path:
    """Write `checkpoints/update-NNNNNN/` atomically, its MANIFEST.json last; returns its path.

    `details` (configuration, seed, fingerprint, number of ranks) goes into state.json beside the state's own fields.
    Raises StorageError or DiskFullError; what was there before is untouched then.
    """
    path = run.checkpoint_path(state.update)
    with atomic_directory(path) as directory:
        write_model_files(model, tokenizer, directory)
        tensors = optimizers.state()
        write_safetensors(directory / OPTIMIZER_NAME, tensors)
        write_json(directory / STATE_NAME, {"version": 1, **dataclasses.asdict(state), **details})
        write_manifest(directory)
    return path


def load_checkpoint(record: CheckpointRecord, *, model: GPTModel, optimizers: Optimizers) -> TrainingState:
    """Fill model and optimizers from a checkpoint whose manifest has been verified, and return where the run stood."""
    saved, _ = load_pretrained(record.path)
    if saved.configuration != dataclasses.replace(model.configuration, **_dropout_rates(saved)):
        raise CorruptFileError(f"{record.path} holds a model of another shape: {saved.configuration}")
    with torch.no_grad():
        for parameter, stored in zip(model.parameters(), saved.parameters(), strict=True):
            parameter.copy_(stored)
    try:
        tensors = load_file(record.path / OPTIMIZER_NAME)
    except (SafetensorError, OSError) as problem:
        raise CorruptFileError(f"{record.path / OPTIMIZER_NAME} cannot be read: {problem}") from problem
    optimizers.load_state(tensors)
    content = record.state()
    try:
        return TrainingState(**{field.name: content[field.name] for field in dataclasses.fields(TrainingState)})
    except KeyError as problem:
        raise CorruptFileError(f"{record.path / STATE_NAME} has no {problem}") from problem


def prune_checkpoints(run: RunDirectory, *, keep: int) -> None:
    """Delete all but the newest `keep` checkpoints and the best one by validation loss."""
    records = run.checkpoints()
    measured = [(loss, -record.update) for record in records if (loss := record.validation_loss) is not None]
    best = -min(measured)[1] if measured else None
    for record in records[:-keep]:
        if record.update != best:
            shutil.rmtree(record.path, ignore_errors=True)


def _dropout_rates(model: GPTModel) -> dict[str, Any]:
    """Dropout may differ between a checkpoint and the run that goes on from it."""
    return {
        name: getattr(model.configuration, name)
        for name in ("embedding_dropout", "attention_dropout", "residual_dropout")
    }
