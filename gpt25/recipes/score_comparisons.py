"""Kept evaluations of several models, compared item by item where they are of the same items."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from gpt25.evaluation.kept_items import items_from_json
from gpt25.evaluation.scoring.measurement import difference_between
from gpt25.plots import ScoreComparison
from gpt25.records import RunDirectory

_MUST_AGREE = ("task", "data_sha256", "limit")


def score_comparisons(
    runs: Sequence[tuple[str, RunDirectory]], others: Sequence[dict[str, Any]]
) -> list[ScoreComparison]:
    """Every two models whose kept items are the same, task by task: a run's newest evaluation, and other files.

    Other than beside a figure's own error, two models that answer the same items can be told apart by few of them.
    """
    kept = [(f"{name}, update {each.get('update')}", each) for name, run in runs for each in _newest(run.evaluations())]
    kept += [(str(each.get("model")), each) for each in others]
    found = []
    for (first, one), (second, other) in combinations(kept, 2):
        if not _are_of_the_same_items(one, other):
            continue
        measured = items_from_json(one, source=first)
        beside = items_from_json(other, source=second)
        for metric in [metric for metric in measured if metric in beside]:
            difference = difference_between(measured[metric], beside[metric])
            if not difference.is_paired:
                continue
            found.append(
                ScoreComparison(
                    task=one["task"],
                    metric=metric,
                    first=first,
                    second=second,
                    difference=difference.value,
                    standard_error=difference.standard_error,
                    p_value=difference.p_value,
                    test=difference.test,
                )
            )
    return found


def _newest(evaluations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of every task and limit the evaluation of the latest update."""
    newest: dict[tuple[str, Any], dict[str, Any]] = {}
    for each in evaluations:  # by task and update, the latest last
        newest[each["task"], each.get("limit")] = each
    return list(newest.values())


def _are_of_the_same_items(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """By the hash of the items; where they are files of tokens, by what was named."""
    if not (one.get("items") and other.get("items")) or any(one.get(name) != other.get(name) for name in _MUST_AGREE):
        return False
    return one.get("data_sha256") is not None or one.get("data") == other.get("data")
