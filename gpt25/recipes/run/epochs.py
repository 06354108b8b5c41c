"""How many updates a run has where its length is given in passes over the data."""

import dataclasses

from gpt25.training import TrainingConfiguration


def within_epochs(configuration: TrainingConfiguration, training_tokens: int) -> TrainingConfiguration:
    """The configuration, shortened where loop.number_of_epochs over so many tokens end before its updates do.

    The warm-up keeps its fraction of the run.
    """
    epochs, longest = configuration.loop.number_of_epochs, configuration.loop.number_of_updates
    if epochs is None:
        return configuration
    mean_tokens = configuration.total_tokens / longest  # of an update; the stages of a batch schedule are fractions
    number_of_updates = max(1, round(epochs * training_tokens / mean_tokens))
    if number_of_updates >= longest:
        return configuration
    warm_up = round(configuration.schedule.warm_up_updates * number_of_updates / longest)
    return dataclasses.replace(
        configuration,
        schedule=dataclasses.replace(configuration.schedule, warm_up_updates=warm_up),
        loop=dataclasses.replace(configuration.loop, number_of_updates=number_of_updates),
    )
