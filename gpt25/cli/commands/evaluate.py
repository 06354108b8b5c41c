"""Score a model on a task, with the error and the definition of every figure, beside what GPT-2 scored.

With --tasks alone it lists the tasks and says for which there are published figures of OpenAI's models; with names
behind --tasks, it scores them all. Without --data a set is fetched from the Hub by its name. Under torchrun the ranks
share the work and the first one speaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

from gpt25.cli.output import Output, to_json
from gpt25.cli.run_checkpoint import RunCheckpoint, checkpoint_of
from gpt25.data import LARGEST_DOCUMENT_BYTES
from gpt25.errors import EvaluationError, GPT25Error, StorageError
from gpt25.evaluation import TASKS, ScoringSettings, find_task
from gpt25.evaluation.harness.harness_settings import HarnessSettings
from gpt25.evaluation.tasks import HARNESS_PREFIX
from gpt25.records import in_this_shell
from gpt25.references.scores import has_published_gpt2
from gpt25.storage import require_output_file, write_json, write_text
from gpt25.weights import require_model

if TYPE_CHECKING:
    from gpt25.cli.evaluated_models import EvaluatedModels
    from gpt25.cli.task_result import TaskResult


@dataclass(frozen=True)
class Arguments:
    """The arguments of `gpt25 evaluate`."""

    model: tyro.conf.Positional[str | None] = None
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run
    (RUN@best or RUN@500 for one of its checkpoints)."""
    task: str | None = None
    """Which set and protocol; --tasks lists them. lm-eval:NAME is a task of lm-evaluation-harness (extra evaluate)."""
    tasks: tuple[str, ...] | None = None
    """Several tasks, one after the other, with the model loaded once; without names: list them and do nothing else."""
    data: str | None = None
    """A file of the set in its own format (JSON lines, Parquet or text, also .gz and .zst); for losses a directory of
    token shards, for core one of sets; for several tasks a directory with a file TASK.* for each. Without it the set
    is fetched from the Hub."""
    against: str | None = None
    """Another MODEL, scored on the same items; the differences are tested item by item."""
    limit: int | None = None
    """Only the first so many items or windows: a quick look, marked as such."""
    skip_invalid: bool = False
    """Leave out items that cannot be read or scored, and say how many, instead of ending at the first."""
    stride: int | None = None
    """Of texts: tokens from one window to the next; without it the block size, so that nothing is read twice."""
    batch_tokens: int | None = None
    """Most tokens read at once; without it what suits the device. The figures do not depend on it."""
    num_fewshot: int | None = None
    """Of lm-eval: tasks: solved examples before each question; without it what the task says."""
    include_path: Path | None = None
    """Of lm-eval: tasks: a directory with tasks of your own."""
    log_samples: Path | None = None
    """Of lm-eval: tasks: keep every prompt, the model's answers and what they scored in this file of JSON lines."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """The dtype of the weights; published figures differ in the third digit between the two."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    output: Path | None = None
    """Keep the result with every item's in this JSON file, for `gpt25 compare --evaluations`."""
    largest_document_bytes: int = LARGEST_DOCUMENT_BYTES
    """The most bytes that a file of text or JSON may have, unpacked; it takes about five times as much memory."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Read each set, score the model or both models, and put the figures beside the published ones.

    What a run's checkpoint scored is kept in the run, where `gpt25 compare` finds it. Of several tasks one that cannot
    be scored does not cost the others: it is named at the end.
    """
    if arguments.tasks == ():
        _list_tasks(output)
        return
    names = arguments.tasks or ((arguments.task,) if arguments.task else ())
    if not (arguments.model and names) or (arguments.task and arguments.tasks):
        raise EvaluationError(
            "gpt25 evaluate needs a model and a task: "
            f"{in_this_shell('gpt25 evaluate gpt2 --task hellaswag')}, or several behind --tasks."
        )
    _check(arguments, names)
    checkpoint = checkpoint_of(arguments.model)
    model_names = [arguments.model if checkpoint is None else checkpoint.word]
    checkpoint = _to_keep_in(checkpoint, output)
    model_names += [arguments.against] if arguments.against is not None else []
    from gpt25.cli.evaluated_models import evaluated_models

    several = len(names) > 1
    if not several:
        _score_one(names[0], model_names, arguments, checkpoint, output)
        return
    results: list[TaskResult] = []
    failed: dict[str, str] = {}
    not_kept: StorageError | None = None
    with evaluated_models(model_names, device=arguments.device, precision=arguments.precision, stay=True) as models:
        for name in names:
            try:
                results.append(_scored(name, models, arguments, output, several=True))
            except GPT25Error as problem:
                failed[name] = str(problem)
                output.note(f"{name} was not scored: {problem}")
            else:
                not_kept = _problem_of_keeping(results[-1], checkpoint, output) or not_kept
                output.say()
    if results:
        content = {"model": model_names[0], "results": [each.content for each in results], "failed": failed}
        output.result(content, kept=_kept_in(arguments, checkpoint))
        _write(arguments, {**content, "results": [each.to_keep for each in results]}, results, output)
    if not_kept is not None:
        raise not_kept
    if failed:
        raise EvaluationError(f"{len(failed)} of {len(names)} tasks were not scored: {', '.join(failed)}; see above.")


def _score_one(
    name: str, model_names: list[str], arguments: Arguments, checkpoint: RunCheckpoint | None, output: Output
) -> None:
    """The result is printed before it is written anywhere."""
    from gpt25.cli.evaluated_models import evaluated_models

    with evaluated_models(model_names, device=arguments.device, precision=arguments.precision, stay=False) as models:
        result = _scored(name, models, arguments, output, several=False)
    output.result(result.content, kept=_kept_in(arguments, checkpoint))
    not_kept = _problem_of_keeping(result, checkpoint, output)
    _write(arguments, result.to_keep, [result], output)
    if not_kept is not None:
        raise not_kept


def _scored(
    name: str, models: "EvaluatedModels", arguments: Arguments, output: Output, *, several: bool
) -> "TaskResult":
    from gpt25.cli.harness_task import evaluate_harness_task
    from gpt25.cli.own_task import evaluate_task, file_of
    from gpt25.evaluation import read_examples

    if not name.startswith(HARNESS_PREFIX):
        task = find_task(name)
        data = file_of(task, Path(arguments.data)) if several and arguments.data is not None else arguments.data
        examples = read_examples(
            task,
            data,
            skip_invalid=arguments.skip_invalid,
            largest_document_bytes=arguments.largest_document_bytes,
        )
        return evaluate_task(task, examples, models, data=data, settings=_scoring_settings(arguments), output=output)
    return evaluate_harness_task(
        name.removeprefix(HARNESS_PREFIX),
        models,
        settings=_harness_settings(arguments),
        batch_tokens=arguments.batch_tokens,
        output=output,
    )


def _scoring_settings(arguments: Arguments) -> ScoringSettings:
    return ScoringSettings(
        limit=arguments.limit,
        batch_tokens=arguments.batch_tokens,
        stride=arguments.stride,
        skip_invalid=arguments.skip_invalid,
    )


def _harness_settings(arguments: Arguments) -> HarnessSettings:
    return HarnessSettings(arguments.limit, arguments.num_fewshot, arguments.include_path)


def _check(arguments: Arguments, names: tuple[str, ...]) -> None:
    """What can be known before anything is read or loaded."""
    in_harness = [name for name in names if name.startswith(HARNESS_PREFIX)]
    own = [name for name in names if name not in in_harness]
    for name in own:
        find_task(name)
    _scoring_settings(arguments)
    _harness_settings(arguments)
    for flag in ("data", "stride"):
        if not own and getattr(arguments, flag) is not None:
            raise EvaluationError(f"--{flag} has no meaning for {in_harness[0]}: the harness has its own protocol.")
    if not own and arguments.skip_invalid:
        raise EvaluationError(f"--skip-invalid has no meaning for {in_harness[0]}: the harness reads its own rows.")
    for flag in ("num_fewshot", "include_path", "log_samples"):
        if not in_harness and getattr(arguments, flag) is not None:
            raise EvaluationError(
                f"--{flag.replace('_', '-')} has no meaning for {own[0]}; it is for tasks of lm-evaluation-harness, "
                f"{HARNESS_PREFIX}NAME."
            )
    for model in (arguments.model, arguments.against):
        if model is not None:
            require_model(model)
    for path in (arguments.output, arguments.log_samples):
        if path is not None:
            require_output_file(path, overwrite=True, special="written into")


def _to_keep_in(checkpoint: RunCheckpoint | None, output: Output) -> RunCheckpoint | None:
    """The checkpoint, None where its run cannot be written, as another user's: it is scored all the same."""
    if checkpoint is None or output.quiet:
        return checkpoint
    try:
        checkpoint.require_room()
    except StorageError as problem:
        output.note(f"the result is printed and not kept in the run: {problem}")
        return None
    return checkpoint


def _problem_of_keeping(result: "TaskResult", checkpoint: RunCheckpoint | None, output: Output) -> StorageError | None:
    """Keep the result in the run; what prevented that is to be raised when everything else has been done."""
    if checkpoint is not None and not output.quiet:
        try:
            checkpoint.keep(to_json(result.to_keep))
        except StorageError as problem:
            return problem
    return None


def _kept_in(arguments: Arguments, checkpoint: RunCheckpoint | None) -> Path | None:
    """Where the result is left, if anywhere."""
    return arguments.output if checkpoint is None else checkpoint.run.path


def _write(arguments: Arguments, content: dict[str, Any], results: "Sequence[TaskResult]", output: Output) -> None:
    """The files that --output and --log-samples name."""
    if output.quiet:
        return
    if arguments.output is not None:
        write_json(arguments.output, to_json(content))
    if arguments.log_samples is not None:
        write_text(arguments.log_samples, "".join(f"{line}\n" for each in results for line in each.samples))


def _list_tasks(output: Output) -> None:
    rows = [(task.name, task.title, "GPT-2" if has_published_gpt2(task.name) else "") for task in TASKS.values()]
    output.table("Tasks", ("name", "what", "published"), rows)
    several = in_this_shell("gpt25 evaluate MODEL --tasks A B")
    output.say(f"Published: figures of OpenAI's GPT-2 stand beside the score. Several: {several}")
    output.result(
        {
            "tasks": [
                {
                    "name": task.name,
                    "title": task.title,
                    "kind": task.kind,
                    "published": has_published_gpt2(task.name),
                }
                for task in TASKS.values()
            ]
        }
    )
