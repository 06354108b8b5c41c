"""Score a model on a task, with the error and the definition of every figure, beside what OpenAI's GPT-2 scored.

`gpt25 evaluate --tasks` lists the tasks. Without --data a set is fetched from the Hub by its name. Under torchrun the
ranks share the work and the first one speaks.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from gpt25.cli.output import Output, to_json
from gpt25.cli.run_checkpoint import RunCheckpoint, checkpoint_of
from gpt25.cli.score_tables import error, limited, number, show_differences, show_scores
from gpt25.errors import EvaluationError
from gpt25.evaluation import (
    TASKS,
    Difference,
    Examples,
    Measurement,
    ScoringSettings,
    Task,
    difference_between,
    find_task,
    groups_last,
    read_examples,
    score,
)
from gpt25.evaluation.harness.lm_eval_tasks import score_harness_task
from gpt25.evaluation.kept_items import fingerprint_of, items_as_json
from gpt25.model import Accounting
from gpt25.references.published_score import PublishedScore
from gpt25.references.scores import scores_beside
from gpt25.runtime import Ranks, Stopwatch, choose_device, choose_precision
from gpt25.storage import require_writable_directory, write_json

HARNESS = "lm-eval:"
"""What a task's name begins with that lm-evaluation-harness knows."""


@dataclass(frozen=True)
class Arguments:
    """The words of `gpt25 evaluate`."""

    model: tyro.conf.Positional[str | None] = None
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run
    (RUN@best or RUN@500 for one of its checkpoints)."""
    task: str | None = None
    """Which set and protocol; --tasks lists them. lm-eval:NAME is a task of lm-evaluation-harness (extra evaluate)."""
    data: str | None = None
    """A file of the set in its own format (JSON lines, Parquet or text, also .gz and .zst); for losses a directory of
    token shards, for core one of sets. Without it the set is fetched from the Hub."""
    against: str | None = None
    """Another MODEL, scored on the same items; the differences are tested item by item."""
    limit: int | None = None
    """Only the first so many items or windows: a quick look, marked as such."""
    stride: int | None = None
    """Of texts: tokens from one window to the next; without it the block size, so that nothing is read twice."""
    batch_tokens: int | None = None
    """Most tokens read at once; without it what suits the device. The figures do not depend on it."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """The dtype of the weights; published figures differ in the third digit between the two."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    output: Path | None = None
    """Keep the result with every item's in this JSON file, for `gpt25 compare --evaluations`."""
    tasks: bool = False
    """List the tasks and do nothing else."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Read the set, score the model or both models, and put the figures beside the published ones.

    What a run's checkpoint scored is kept in the run, where `gpt25 compare` finds it.
    """
    if arguments.tasks:
        _list_tasks(output)
        return
    if not (arguments.model and arguments.task):
        raise EvaluationError("gpt25 evaluate needs a model and a task: gpt25 evaluate gpt2 --task hellaswag.")
    if arguments.output is not None:
        require_writable_directory(arguments.output.parent)
    in_harness = arguments.task.startswith(HARNESS)
    task = None if in_harness else find_task(arguments.task)
    checkpoint = checkpoint_of(arguments.model)
    if checkpoint is not None:
        arguments = dataclasses.replace(arguments, model=checkpoint.word)
    if task is None:
        _score_in_harness(arguments, checkpoint, output)
    else:
        _score_here(arguments, task, checkpoint, output)


def _score_here(arguments: Arguments, task: Task, checkpoint: RunCheckpoint | None, output: Output) -> None:
    """One of our tasks, with one model or two."""
    settings = ScoringSettings(arguments.limit, arguments.batch_tokens, arguments.stride)
    examples = read_examples(task, arguments.data)
    stopwatch = Stopwatch()
    parameters, *results = _scored(arguments, task, settings, examples, output)
    references = scores_beside(task.name, parameters)
    content = _content(arguments, task, examples.source, results[0], references)
    content["seconds"] = stopwatch.elapsed_seconds
    differences = _differences(*results) if len(results) == 2 else []
    if differences:
        content["against"] = {"model": arguments.against, **_figures(results[1]), "differences": differences}
    _keep(arguments, checkpoint, {**content, **_items(results[0], examples)}, output)
    if not output.json:
        words = [str(arguments.model), str(arguments.against)]
        show_scores(f"{task.title}{limited(arguments.limit)}", words, results, references, output)
        units = f"{results[0][0].number_of_units:,} units"
        output.say(f"{units} from {examples.source}, {arguments.precision}. {task.note}".rstrip())
        if differences:
            show_differences(words, differences, output)
    output.result(content, kept=_kept_in(arguments, checkpoint))


def _items(measurements: list[Measurement], examples: Examples) -> dict[str, Any]:
    whole, _ = groups_last(measurements)
    return {"items": items_as_json(whole), "data_sha256": fingerprint_of(examples)}


def _keep(arguments: Arguments, checkpoint: RunCheckpoint | None, content: dict[str, Any], output: Output) -> None:
    """The result with its items: in the run that it is of, and in the file that was asked for."""
    if output.quiet:
        return
    if checkpoint is not None:
        checkpoint.keep(to_json(content))
    if arguments.output is not None:
        write_json(arguments.output, to_json(content))


def _kept_in(arguments: Arguments, checkpoint: RunCheckpoint | None) -> Path | None:
    """Where `_keep` leaves the result, if anywhere."""
    return arguments.output if checkpoint is None else checkpoint.run.path


@contextlib.contextmanager
def _together(arguments: Arguments) -> Iterator[tuple[Ranks, Callable[[str], Any]]]:
    """The ranks, connected, and a function that loads what a MODEL word means onto this rank's device."""
    from gpt25.weights import load_pretrained

    ranks = Ranks.from_environment()
    device = ranks.device_for(choose_device(arguments.device))
    dtype = choose_precision(device, arguments.precision).dtype
    ranks.connect(device)
    try:
        yield ranks, lambda word: load_pretrained(word, device=device, dtype=dtype)
    finally:
        ranks.disconnect()


def _scored(
    arguments: Arguments, task: Task, settings: ScoringSettings, examples: Examples, output: Output
) -> tuple[Any, ...]:
    """The first model's number of parameters, and the figures of every model; all ranks together."""
    results = []
    parameters = 0
    with _together(arguments) as (ranks, load):
        for word in filter(None, (arguments.model, arguments.against)):
            model, tokenizer = load(word)
            parameters = parameters or Accounting(model.configuration).parameters
            results.append(
                score(task, examples, model, tokenizer, settings=settings, ranks=ranks, open_progress=output.progress)
            )
    return parameters, *results


def _score_in_harness(arguments: Arguments, checkpoint: RunCheckpoint | None, output: Output) -> None:
    """A task of lm-evaluation-harness: its own set, prompts and metrics, our model and its speed."""
    name = str(arguments.task).removeprefix(HARNESS)
    for flag in ("data", "against", "stride"):
        if getattr(arguments, flag) is not None:
            raise EvaluationError(f"--{flag} has no meaning for {arguments.task}: the harness has its own protocol.")
    settings = ScoringSettings(arguments.limit, arguments.batch_tokens)
    stopwatch = Stopwatch()
    with _together(arguments) as (ranks, load):
        model, tokenizer = load(str(arguments.model))
        if tokenizer is None:
            raise EvaluationError(f"{arguments.model} has no tokenizer; put tokenizer.json into its directory.")
        found = score_harness_task(
            name,
            model,
            tokenizer,
            limit=settings.limit,
            batch_tokens=settings.batch_tokens,
            ranks=ranks,
            open_progress=output.progress,
        )
    if not output.json:
        rows = [(each.metric, number(each.value), error(each.standard_error), each.definition) for each in found]
        output.table(f"{name}{limited(arguments.limit)}", ("metric", "value", "± s.e.", "definition"), rows)
    content: dict[str, Any] = {
        "task": arguments.task,
        "model": arguments.model,
        "metrics": {each.metric: each.value for each in found},
        "standard_errors": {each.metric: each.standard_error for each in found},
        "definitions": {each.metric: each.definition for each in found},
        "limit": arguments.limit,
        "precision": arguments.precision,
        "references": [],
        "seconds": stopwatch.elapsed_seconds,
    }
    _keep(arguments, checkpoint, content, output)
    output.result(content, kept=_kept_in(arguments, checkpoint))


def _figures(measurements: list[Measurement]) -> dict[str, Any]:
    """Three objects with the metrics' names as keys; figures of parts of a set stand under `parts`."""
    whole, parts = groups_last(measurements)
    return {
        "metrics": {each.metric: each.value for each in whole},
        "standard_errors": {each.metric: each.standard_error for each in whole},
        "parts": {each.metric: {"value": each.value, "standard_error": each.standard_error} for each in parts},
    }


def _content(
    arguments: Arguments,
    task: Task,
    source: str,
    measurements: list[Measurement],
    references: list[PublishedScore],
) -> dict[str, Any]:
    whole, _ = groups_last(measurements)
    return {
        "task": task.name,
        "title": task.title,
        "model": arguments.model,
        **_figures(measurements),
        "definitions": {each.metric: each.definition for each in whole},
        "units": whole[0].number_of_units,
        "limit": arguments.limit,
        "data": source,
        "precision": arguments.precision,
        "note": task.note,
        "references": references,
    }


def _differences(first: list[Measurement], second: list[Measurement]) -> list[Difference]:
    return [difference_between(one, other) for one, other in zip(first, second, strict=True)]


def _list_tasks(output: Output) -> None:
    output.table("Tasks", ("name", "what"), [(task.name, task.title) for task in TASKS.values()])
    output.result({"tasks": [{"name": task.name, "title": task.title, "kind": task.kind} for task in TASKS.values()]})
