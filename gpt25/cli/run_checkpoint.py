"""A MODEL word that means a run's checkpoint: which update, and where its scores are kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt25.records import CheckpointRecord, RunDirectory, split_model_argument


@dataclass(frozen=True)
class RunCheckpoint:
    """One checkpoint of one run."""

    run: RunDirectory
    record: CheckpointRecord

    @property
    def word(self) -> str:
        """The word that means this very checkpoint, also when the run goes on meanwhile: "runs/mine@500"."""
        return f"{self.run.path}@{self.record.update}"

    def require_room(self) -> None:
        """Raise StorageError where the run cannot be written, so that nothing can be kept in it."""
        self.run.require_room_for_evaluations()

    def keep(self, content: dict[str, Any]) -> Path:
        """Write what `gpt25 evaluate` found into the run, with the update and the tokens seen; returns the file."""
        tokens = self.record.state().get("tokens")
        return self.run.write_evaluation({**content, "update": self.record.update, "tokens": tokens})


def checkpoint_of(word: str) -> RunCheckpoint | None:
    """The checkpoint that a word means, None for a word that names no run: checkpoint_of("runs/mine@best").

    Raises StorageError or ConfigurationError where the run has no such checkpoint.
    """
    name, which = split_model_argument(word)
    if which == "" or not RunDirectory.is_run(name):
        return None
    run = RunDirectory(name)
    path = run.find_checkpoint("newest" if which is None else which)
    record = next(record for record in run.checkpoints() if record.path == path)
    return RunCheckpoint(run, record)
