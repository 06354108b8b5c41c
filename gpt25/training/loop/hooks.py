"""What others may do while a model trains; training itself knows nothing of pictures, samples or terminals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt25.model import GPTModel


def _ignore(*_: Any) -> None:
    """Do nothing."""


def _no_metrics(*_: Any) -> dict[str, float]:
    """Measure nothing."""
    return {}


def _it_is_missing(paths: Sequence[Path]) -> str | None:
    """Nothing brings a file that is missing."""
    return f"{paths[0]} is not there. Put it back and go on."


@dataclass(frozen=True, kw_only=True)
class TrainingHooks:
    """Calls that the trainer makes on the first rank; the others train on meanwhile, but for `on_metrics`."""

    on_start: Callable[[int, int], None] = _ignore
    """(updates already done, updates in all), once, when everything is ready."""
    on_record_start: Callable[[dict[str, Any]], None] = _ignore
    """(the row of update 0, written before the first update), where the recipe asks for one."""
    on_update: Callable[[dict[str, Any]], None] = _ignore
    """(the row just written to metrics.jsonl), after every update."""
    on_metrics: Callable[[GPTModel, int], dict[str, float]] = _no_metrics
    """(the model, updates done), after every update on every rank: more values for the row of metrics.jsonl."""
    on_samples: Callable[[GPTModel, int, int], None] = _ignore
    """(the model in evaluation mode, updates done, tokens seen), at the sampling interval and at the end."""
    on_missing_data: Callable[[Sequence[Path]], str | None] = _it_is_missing
    """(shards that the next update reads and that are not there yet), again and again until they are: why they never
    will be, or None as long as they may come."""
    on_checkpoint: Callable[[Path], None] = _ignore
    """(its directory), after a checkpoint is safely on the disk."""
    on_message: Callable[[str], None] = _ignore
    """(one sentence), when something happened that the user should know."""
