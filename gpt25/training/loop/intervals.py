"""What falls due after which update of a run."""

from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.optimizers.schedule import plateau_end_to_keep


class Intervals:
    """A run's intervals; `updates_done` counts the updates that are done, so that the run ends with the last number."""

    def __init__(self, configuration: TrainingConfiguration) -> None:
        self._configuration = configuration
        self._plateau_end = plateau_end_to_keep(configuration)

    def is_last(self, updates_done: int) -> bool:
        """Whether no update is left."""
        return updates_done == self._configuration.loop.number_of_updates

    def is_due(self, interval: int, updates_done: int) -> bool:
        """Whether something that is done every so many updates, and at the end, falls due now."""
        return updates_done % interval == 0 or self.is_last(updates_done)

    def is_checkpoint_due(self, updates_done: int) -> bool:
        """Whether a checkpoint is due on the way: at its interval, and where a trapezoid begins to fall."""
        interval = self._configuration.loop.checkpoint_interval_in_updates
        return updates_done % interval == 0 or updates_done == self._plateau_end

    def is_anything_due(self, updates_done: int) -> bool:
        """Whether something reads the weights after so many updates, so that the next one must not move them yet."""
        loop, hellaswag = self._configuration.loop, self._configuration.hellaswag.interval_in_updates
        intervals = [loop.validation_interval_in_updates, loop.samples_interval_in_updates]
        intervals += [] if hellaswag is None else [hellaswag]
        return self.is_checkpoint_due(updates_done) or any(self.is_due(each, updates_done) for each in intervals)
