"""One task of lm-evaluation-harness with one model or two: its set, prompts and metrics, our model and its speed."""

import json
from typing import Any

from gpt25.cli.evaluated_models import EvaluatedModels
from gpt25.cli.output import Output
from gpt25.cli.score_tables import error, limited, number, show_differences
from gpt25.cli.task_result import TaskResult, differences_between
from gpt25.counted import counted
from gpt25.errors import EvaluationError
from gpt25.evaluation import Difference
from gpt25.evaluation.harness.harness_settings import HarnessSettings
from gpt25.evaluation.harness.lm_eval_tasks import HarnessResult, score_harness_task
from gpt25.evaluation.kept_items import items_as_json
from gpt25.evaluation.tasks import HARNESS_PREFIX
from gpt25.runtime import Stopwatch


def evaluate_harness_task(
    name: str,
    models: EvaluatedModels,
    *,
    settings: HarnessSettings,
    batch_tokens: int | None,
    output: Output,
) -> TaskResult:
    """Score the model, or both; the result has the samples of all."""
    stopwatch = Stopwatch()
    results: list[HarnessResult] = []
    for word, (model, tokenizer) in zip(models.words, models.each(), strict=True):
        if tokenizer is None:
            raise EvaluationError(f"{word} has no tokenizer; put tokenizer.json into its directory.")
        results.append(
            score_harness_task(
                name,
                model,
                tokenizer,
                settings=settings,
                batch_tokens=batch_tokens,
                ranks=models.ranks,
                open_progress=output.progress,
            )
        )
    content: dict[str, Any] = {
        "task": f"{HARNESS_PREFIX}{name}",
        "model": models.words[0],
        **_figures(results[0]),
        "definitions": {each.metric: each.definition for each in results[0].scores},
        "limit": settings.limit,
        "num_fewshot": settings.num_fewshot,
        "precision": models.precision,
        "references": [],
        "seconds": stopwatch.elapsed_seconds,
    }
    differences = _differences(results)
    if len(results) == 2:
        content["against"] = {"model": models.words[1], **_figures(results[1]), "differences": differences}
    if not output.json:
        _show(name, models, settings, results, differences, output)
    kept: dict[str, Any] = {}
    measured = [each.measurement for each in results[0].scores if each.measurement is not None]
    if measured:
        kept = {"items": items_as_json(measured), "data_sha256": results[0].fingerprint}
    if settings.num_fewshot is not None:  # another figure, which must not replace the task's own in a run
        kept["task"] = f"{HARNESS_PREFIX}{name} with {counted(settings.num_fewshot, 'examples')}"
    return TaskResult(content, kept, _sample_lines(models, results))


def _figures(result: HarnessResult) -> dict[str, Any]:
    return {
        "metrics": {each.metric: each.value for each in result.scores},
        "standard_errors": {each.metric: each.standard_error for each in result.scores},
        "bootstrap_errors": {
            each.metric: each.measurement.bootstrap_error
            for each in result.scores
            if each.measurement is not None and each.measurement.bootstrap_error is not None
        },
    }


def _differences(results: list[HarnessResult]) -> list[Difference]:
    """Of the metrics that are known sample by sample; none where the two were asked different things."""
    if len(results) < 2 or results[0].fingerprint != results[1].fingerprint:
        return []
    measured = [[each.measurement for each in result.scores if each.measurement is not None] for result in results]
    return differences_between(*measured)


def _show(
    name: str,
    models: EvaluatedModels,
    settings: HarnessSettings,
    results: list[HarnessResult],
    differences: list[Difference],
    output: Output,
) -> None:
    title = f"{name}{limited(settings.limit)}"
    if len(results) == 1:
        rows = [
            (each.metric, number(each.value), error(each.standard_error), each.definition) for each in results[0].scores
        ]
        output.table(title, ("metric", "value", "± s.e.", "definition"), rows)
        return
    both = [
        (each.metric, word, number(each.value), error(each.standard_error), each.definition)
        for word, result in zip(models.words, results, strict=True)
        for each in result.scores
    ]
    output.table(title, ("metric", "model", "value", "± s.e.", "definition"), both)
    if differences:
        show_differences(models.words, differences, output)


def _sample_lines(models: EvaluatedModels, results: list[HarnessResult]) -> list[str]:
    return [
        json.dumps({"model": word, "task": task, **sample}, default=str)
        for word, result in zip(models.words, results, strict=True)
        for task, samples in result.samples.items()
        for sample in samples
    ]
