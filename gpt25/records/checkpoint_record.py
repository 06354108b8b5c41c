"""One complete checkpoint of a run: where it lies, after which update it was written, what its state says."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt25.errors import CorruptFileError
from gpt25.storage import read_json

STATE_NAME = "state.json"


@dataclass(frozen=True)
class CheckpointRecord:
    """A directory `update-000500` that has its manifest; its files are hashed only when it is chosen."""

    update: int
    """How many optimizer steps had been done when it was written."""
    path: Path
    """The directory."""

    def state(self) -> dict[str, Any]:
        """The content of state.json; raises CorruptFileError when it is not a JSON object."""
        state = read_json(self.path / STATE_NAME)
        if not isinstance(state, dict):
            raise CorruptFileError(f"{self.path / STATE_NAME} holds a {type(state).__name__}, not an object")
        return state

    @property
    def validation_loss(self) -> float | None:
        """Nats per token on the held-out text when it was written; None where it was not measured or not finite."""
        metrics = self.state().get("metrics")
        loss = metrics.get("validation_loss") if isinstance(metrics, dict) else None
        if isinstance(loss, bool) or not isinstance(loss, int | float) or not math.isfinite(loss):
            return None
        return float(loss)
