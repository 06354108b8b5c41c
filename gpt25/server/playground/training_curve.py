"""The course of a run, thinned to what a graph can show."""

from collections.abc import Sequence
from typing import Any

from gpt25.records import RunDirectory

_MOST_POINTS = 600  # a point every other pixel
_MOST_SAMPLES = 3
_LONGEST_SAMPLE = 600  # characters


def training_curve(run: RunDirectory) -> dict[str, Any]:
    """Losses by update, the newest figures, and what the model wrote last; reads the run's records and nothing else.

    {"title", "finished", "updates", "training": [[update, loss]], "validation": [[update, loss]], "newest", "samples"}.
    Raises StorageError where a record cannot be read.
    """
    rows = run.metrics()
    summary = run.read_summary()
    newest = rows[-1] if rows else {}
    validated = [[row["update"], row["validation_loss"]] for row in rows if row.get("validation_loss") is not None]
    names = ("update", "tokens", "training_loss", "learning_rate", "tokens_per_second", "elapsed_seconds")
    return {
        "title": None if summary is None else summary.title,
        "finished": summary is not None and summary.finished,
        "training": thinned([(row["update"], row.get("training_loss")) for row in rows]),
        "validation": validated[:: -(-(-len(validated) // _MOST_POINTS) or 1)][::-1],
        "newest": {name: newest.get(name) for name in names},
        "samples": [_sample(row) for row in run.samples()[-_MOST_SAMPLES:]],
    }


def thinned(points: Sequence[tuple[int, float | None]]) -> list[list[float]]:
    """At most 600 points, each the mean of its neighbours: thinned([(1, 4.0), (2, 2.0)]) -> [[1, 4.0], [2, 2.0]]."""
    known = [(update, value) for update, value in points if value is not None]
    size = -(-len(known) // _MOST_POINTS) or 1
    groups = [known[start : start + size] for start in range(0, len(known), size)]
    return [[group[-1][0], round(sum(value for _, value in group) / len(group), 5)] for group in groups]


def _sample(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "update": row["update"],
        "prompt": row.get("prompt") or "",
        "text": (row.get("text") or "")[:_LONGEST_SAMPLE],
    }
