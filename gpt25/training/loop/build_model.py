"""The model that a run begins with."""

import torch

from gpt25.errors import ConfigurationError
from gpt25.model import GPTModel
from gpt25.runtime import generator_for
from gpt25.training.configuration.training_configuration import TrainingConfiguration


def build_model(initial_model: GPTModel | None, configuration: TrainingConfiguration) -> GPTModel:
    """The model to train: the one that was given, of the right shape, or a random one that only the seed decides.

    Raises ConfigurationError where the given one has another shape.
    """
    if initial_model is None:
        drawn = GPTModel(configuration.model, generator=generator_for(configuration.loop.seed, "weights"))
        if configuration.initialisation.zero_residual_projections:
            _zero_residual_projections(drawn)
        return drawn
    if initial_model.configuration != configuration.model:
        raise ConfigurationError(
            f"the initial model is {initial_model.configuration}, the configuration says {configuration.model}; "
            "they must be equal."
        )
    return initial_model


@torch.no_grad()
def _zero_residual_projections(model: GPTModel) -> None:
    """Set to 0 what was drawn for the last matrix of every residual branch; nothing else was drawn differently.

    Source: Zhang et al. 2019, "Fixup Initialization: Residual Learning Without Normalization", section 3, which does
    it without layer norms; modded-nanogpt's README, "Projection and classification layers initialized to zero".
    """
    for name, parameter in model.named_parameters():
        if name.endswith(("attention.projection.weight", "multi_layer_perceptron.projection.weight")):
            parameter.zero_()
