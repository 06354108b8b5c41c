"""A run as a table in a notebook."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpt25.markup import notebook_table
from gpt25.records.checkpoint_record import CheckpointRecord
from gpt25.records.summary import Summary


def run_table(
    path: Path, metrics: Sequence[dict[str, Any]], summary: Summary | None, checkpoints: Sequence[CheckpointRecord]
) -> str:
    """What has been trained so far and how well it does, as HTML."""
    recorded = [row for row in metrics if row.get("training_loss") is not None]
    validated = [row for row in metrics if row.get("validation_loss") is not None]
    rows: list[tuple[str, Any]] = [
        ("title", summary.title if summary else None),
        ("state", ("finished" if summary.finished else "not finished") if summary and metrics else None),
        ("parameters", summary.model_parameters if summary else None),
        ("updates", metrics[-1]["update"] if metrics else None),
        ("tokens", metrics[-1].get("tokens") if metrics else None),
        ("training loss, last update", recorded[-1]["training_loss"] if recorded else None),
        ("validation loss, last", validated[-1]["validation_loss"] if validated else None),
        ("bits per byte of held-out text", summary.bits_per_byte if summary else None),
        ("checkpoints", ", ".join(f"{record.update:,}" for record in checkpoints) or None),
    ]
    known = [(name, value) for name, value in rows if value is not None]
    return notebook_table(f"Run {path}", known, note="" if known else "Nothing is recorded here yet.")
