"""One of our tasks with one model or two: read, scored, shown."""

from pathlib import Path
from typing import Any

from gpt25.cli.evaluated_models import EvaluatedModels
from gpt25.cli.output import Output
from gpt25.cli.score_tables import limited, show_differences, show_scores
from gpt25.cli.task_result import TaskResult, differences_between
from gpt25.errors import DataError
from gpt25.evaluation import Examples, Measurement, ScoringSettings, Task, score
from gpt25.evaluation.scored_task import figures_of, scored_task
from gpt25.model import Accounting
from gpt25.references.published_score import PublishedScore
from gpt25.references.scores import scores_beside
from gpt25.runtime import Stopwatch
from gpt25.storage import entries, is_directory

_UNITS = {"last word": "passages", "minimal pairs": "pairs", "text": "windows", "shards": "windows"}


def evaluate_task(
    task: Task,
    examples: Examples,
    models: EvaluatedModels,
    *,
    data: str | None,
    settings: ScoringSettings,
    output: Output,
) -> TaskResult:
    """Score the model, or both, and put the figures beside the published ones. data: the user's own file, if any."""
    stopwatch = Stopwatch()
    parameters = 0
    results = []
    for model, tokenizer in models.each():
        parameters = parameters or Accounting(model.configuration).parameters
        results.append(
            score(
                task, examples, model, tokenizer, settings=settings, ranks=models.ranks, open_progress=output.progress
            )
        )
    references = scores_beside(task.name, parameters)
    title = _title(task, data, results[0])
    scored = scored_task(task, examples, results[0], model=models.words[0], title=title, limit=settings.limit)
    kept = {name: scored.pop(name) for name in ("items", "data_sha256")}
    content: dict[str, Any] = {
        **scored,
        "precision": models.precision,
        "note": task.note,
        "references": references,
        "seconds": stopwatch.elapsed_seconds,
    }
    differences = differences_between(*results) if len(results) == 2 else []
    if differences:
        content["against"] = {"model": models.words[1], **figures_of(results[1]), "differences": differences}
    if not output.json:
        show_scores(f"{title}{limited(settings.limit)}", models.words, results, references, output)
        _say_what_was_read(task, data, examples, results[0], references, models.precision, output)
        if differences:
            show_differences(models.words, differences, output)
    return TaskResult(content, kept)


def file_of(task: Task, directory: Path) -> str:
    """The file or directory of a task among those of several: file_of(piqa, DIR) -> "DIR/piqa.jsonl.gz".

    Raises DataError where there is none or more than one.
    """
    if not is_directory(directory):
        raise DataError(f"{directory} is no directory; for several tasks --data is one with a file for each.")
    found = [path for path in entries(directory) if path.name == task.name or path.stem.split(".")[0] == task.name]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{directory} holds {names} for {task.name}; for several tasks it needs one {task.name}.* each."
        )
    return str(found[0])


def _units(task: Task, measurements: list[Measurement]) -> str:
    return f"{measurements[0].number_of_items:,} {_UNITS.get(task.kind, 'items')}"


def _title(task: Task, data: str | None, measurements: list[Measurement]) -> str:
    """What was read: the set by its own title where it came from the Hub, else the file and how much it holds."""
    if data is None:
        return task.title
    return f"{task.name} on {Path(data).name}: {_units(task, measurements)}"


def _say_what_was_read(
    task: Task,
    data: str | None,
    examples: Examples,
    measurements: list[Measurement],
    references: list[PublishedScore],
    precision: str,
    output: Output,
) -> None:
    output.say(f"{_units(task, measurements)} from {examples.source}, {precision}. {task.note}".rstrip())
    if not references:
        output.say("No figure of OpenAI's GPT-2 is published for this; --against gpt2 measures it on the same items.")
    elif data is not None:
        output.say(f"The published figures are of: {task.title}.")
