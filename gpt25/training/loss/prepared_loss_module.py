"""The loss module of a run: compiled as the run has it, its parameters sharded where the configuration says so."""

import torch

from gpt25.model import GPTModel
from gpt25.runtime import Precision, Ranks, allow_compiled_shapes, compile_blocks_whole, will_compile
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.loss.loss_module import LossModule
from gpt25.training.sharding import shard_parameters


def prepared_loss_module(
    configuration: TrainingConfiguration, model: GPTModel, *, ranks: Ranks, device: torch.device, precision: Precision
) -> LossModule:
    """Build it around a model that is on its device; afterwards the model's parameters may be sharded."""
    settings, region = configuration.loop, configuration.speed.compile_region
    is_sharded = settings.shard_parameters and not ranks.is_alone
    if region == "auto":
        region = "model" if ranks.is_alone else "blocks"
    compiles = will_compile(device, settings.compile)
    if compiles:
        allow_compiled_shapes(_number_of_shapes(configuration))
        compile_blocks_whole()
    loss_module = LossModule(
        model,
        precision=precision,
        compile=compiles,
        region="within blocks" if is_sharded else region,
        speed=configuration.speed,
    )
    if is_sharded:
        shard_parameters(loss_module, model, ranks=ranks, device=device)
    return loss_module


def _number_of_shapes(configuration: TrainingConfiguration) -> int:
    """The most shapes (rows, time) that a run can have: every size of update in every length, and two of validation."""
    lengths = 1 + len(configuration.batch.short_sequences)
    return len(configuration.update_sizes.all_rows) * lengths + 2
