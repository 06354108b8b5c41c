"""How long an update takes on this machine, before a run decides how many of them it does."""

import statistics
import time

from gpt25.data import TokenShards
from gpt25.records import RunDirectory
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.loop.trainer import Trainer


def seconds_per_update(
    configuration: TrainingConfiguration,
    *,
    run: RunDirectory,
    train_shards: TokenShards,
    validation_shards: TokenShards,
    repetitions: int = 9,
) -> float:
    """Mean seconds of an update over the whole run, from a few real updates of each stage of its batch.

    A throw-away model is trained; nothing is written. The median of `repetitions` stands for a stage, and one update
    before them fills the caches.
    """
    trainer = Trainer(configuration, run=run, train_shards=train_shards, validation_shards=validation_shards)
    trainer.rehearse_update(0)
    number_of_updates = configuration.loop.number_of_updates
    mean, begin = 0.0, 0.0
    stages = [*configuration.batch.smaller_updates, *configuration.batch.short_sequences]
    for end in sorted({1.0, *(fraction for fraction, _ in stages)}):
        if end > begin:
            first = min(int(begin * number_of_updates) + 1, number_of_updates - 1)
            mean += (end - begin) * statistics.median(_seconds(trainer, first) for _ in range(repetitions))
            begin = end
    return mean


def _seconds(trainer: Trainer, update: int) -> float:
    start = time.perf_counter()
    trainer.rehearse_update(update)
    return time.perf_counter() - start
