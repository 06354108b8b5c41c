"""One model on one task, as an object that files keep and reports read."""

from collections.abc import Sequence
from typing import Any

from gpt25.evaluation.examples import Examples
from gpt25.evaluation.kept_items import fingerprint_of, items_as_json
from gpt25.evaluation.score import groups_last
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.evaluation.task import Task


def scored_task(
    task: Task, examples: Examples, measurements: list[Measurement], *, model: str, title: str, limit: int | None
) -> dict[str, Any]:
    """Figures, errors and definitions by metric, what was read, and what every item contributed.

    `metrics`, `standard_errors`, `bootstrap_errors` and `definitions` have the metrics' names as keys; figures of parts
    of a set stand under `parts`, the items under `items` (see `items_as_json`).
    """
    whole, _ = groups_last(measurements)
    return {
        "task": task.name,
        "title": title,
        "model": model,
        **figures_of(measurements),
        "definitions": {each.metric: each.definition for each in whole},
        "units": whole[0].number_of_items,
        "limit": limit,
        "data": examples.source,
        "left_out": len(examples.left_out),
        "items": items_as_json(whole),
        "data_sha256": fingerprint_of(examples),
    }


def figures_of(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Objects with the metrics' names as keys; figures of parts of a set stand under `parts`."""
    whole, parts = groups_last(measurements)
    bootstrapped = {each.metric: each.bootstrap_error for each in whole}
    return {
        "metrics": {each.metric: each.value for each in whole},
        "standard_errors": {each.metric: each.standard_error for each in whole},
        "bootstrap_errors": {metric: error for metric, error in bootstrapped.items() if error is not None},
        "parts": {each.metric: {"value": each.value, "standard_error": each.standard_error} for each in parts},
    }
