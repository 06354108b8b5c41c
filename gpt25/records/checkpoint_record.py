"""One complete checkpoint of a run: where it lies, after which update it was written, what its state says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt25.storage import read_object, record_from
from gpt25.storage.reading.field_types import Amount, Count

STATE_NAME = "state.json"


@dataclass(frozen=True)
class _State:
    """The fields of state.json that are read again. Which of them must be there, their readers know."""

    version: Count | None = None
    update: Count | None = None
    tokens: Count | None = None
    rows: Count | None = None
    elapsed_seconds: Amount | None = None
    non_finite_updates: Count | None = None
    metrics: dict[str, float | None] | None = None
    tokenizer_name: str | None = None
    tokenizer_fingerprint: str | None = None
    training_tokens_in_data: Count | None = None


@dataclass(frozen=True)
class CheckpointRecord:
    """A directory `update-000500` that has its manifest; its files are hashed only when it is chosen."""

    update: int
    """How many optimizer steps had been done when it was written."""
    path: Path
    """The directory."""

    def state(self) -> dict[str, Any]:
        """The content of state.json; raises CorruptFileError, naming the field, where it cannot be a state."""
        path = self.path / STATE_NAME
        state = read_object(path)
        record_from(state, _State, where=str(path), more_keys="ignored")
        return state

    @property
    def validation_loss(self) -> float | None:
        """Nats per token on the held-out text when it was written; None where it was not measured or not finite."""
        loss = (self.state().get("metrics") or {}).get("validation_loss")
        return None if loss is None else float(loss)
