"""The model that a run begins with."""

from gpt25.errors import ConfigurationError
from gpt25.model import GPTModel
from gpt25.runtime import generator_for
from gpt25.training.configuration import TrainingConfiguration


def fitting_model(initial_model: GPTModel | None, configuration: TrainingConfiguration) -> GPTModel:
    """The model to train: the one that was given, of the right shape, or a random one that only the seed decides.

    Raises ConfigurationError where the given one has another shape.
    """
    if initial_model is None:
        return GPTModel(configuration.model, generator=generator_for(configuration.loop.seed, "weights"))
    if initial_model.configuration != configuration.model:
        raise ConfigurationError(
            f"the initial model is {initial_model.configuration}, the configuration says {configuration.model}; "
            "they must be equal."
        )
    return initial_model
