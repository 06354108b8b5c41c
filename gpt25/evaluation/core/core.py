"""CORE: how far above guessing a model is, over 22 tasks; the metric of DCLM that nanochat's speedrun is timed by."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from gpt25.errors import DataError
from gpt25.evaluation.core.core_prompts import gold_of, requests_of, shuffled_rows
from gpt25.evaluation.core.core_rows import read_core_rows
from gpt25.evaluation.core.core_tasks import CORE_TASKS, CoreTask
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.evaluation.sets.checked_items import left_out_note
from gpt25.evaluation.sets.data_files import Row
from gpt25.evaluation.sets.hub_sets import HubFile
from gpt25.storage import is_file
from gpt25.tokenizer import Tokenizer

_SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json", ".json.gz", ".parquet")


def find_core_files(directory: Path) -> dict[str, Path]:
    """The files of the tasks that lie anywhere under a directory, by the tasks' names, in CORE's order."""
    files = {path.name: path for path in sorted(directory.rglob("*"), reverse=True) if is_file(path)}
    found = {}
    for task in CORE_TASKS:
        names = [stem + suffix for stem in task.files for suffix in _SUFFIXES]
        present = [files[name] for name in names if name in files]
        if present:
            found[task.name] = present[0]
    if not found:
        raise DataError(
            f"{directory} holds none of CORE's files, such as {CORE_TASKS[3].files[0]}.jsonl or "
            f"{CORE_TASKS[5].files[0]}.jsonl.gz. Unpack DCLM's evaluation data there, or llm-foundry's local_data; "
            "without --data what the Hub has is fetched."
        )
    return found


def fetch_core_files(fetch: Callable[[HubFile], Path]) -> dict[str, Path]:
    """The sets that the Hub has in a form from which DCLM's rows can be made; the other tasks are missing then."""
    return {task.name: fetch(task.hub) for task in CORE_TASKS if task.hub is not None}


def missing_core_tasks(files: Mapping[str, Path]) -> list[str]:
    """Those of the 22 that have no file."""
    return [task.name for task in CORE_TASKS if task.name not in files]


def score_core(
    files: Mapping[str, Path],
    tokenizer: Tokenizer,
    scorer: ContinuationScorer,
    *,
    limit: int | None = None,
    skip_invalid: bool = False,
) -> list[Measurement]:
    """`core` (`core_partial` where sets are missing or of other items), then `centred NAME` for every task at hand.

    Centred: 0 is guessing, 1 is perfect. The errors of the tasks add up; how far the tasks lie apart is none.
    """
    correct_by_task = {}
    differences = {}
    for task in CORE_TASKS:
        if task.name in files:
            core_rows = read_core_rows(task.name, files[task.name], skip_invalid=skip_invalid)
            reasons = [] if core_rows.difference is None else [f"from the set's own file: {core_rows.difference}"]
            reasons += [left_out_note(core_rows.left_out).strip(" ()")] if core_rows.left_out else []
            if reasons:
                differences[task] = "; ".join(reasons)
            correct_by_task[task] = _score_task(
                task, shuffled_rows(core_rows.rows, limit), tokenizer, scorer, files[task.name]
            )
    centred = [_centred(task, correct, differences.get(task)) for task, correct in correct_by_task.items()]
    return [_mean(correct_by_task, missing_core_tasks(files), [task.name for task in differences]), *centred]


def _score_task(
    task: CoreTask, rows: Sequence[Row], tokenizer: Tokenizer, scorer: ContinuationScorer, path: Path
) -> np.ndarray:
    """1 for every item that is right, else 0: (items)."""
    try:
        items = [requests_of(task, rows, number, tokenizer) for number in range(len(rows))]
        golds = [gold_of(task, row) for row in rows]
    except KeyError as problem:
        raise DataError(
            f"{path}: CORE's {task.name} reads the field {problem}, which a row does not have; its fields: "
            f"{', '.join(rows[0])}."
        ) from problem
    except (ValueError, TypeError, IndexError, AttributeError) as problem:
        raise DataError(f"{path} has a row that CORE's {task.name} cannot read: {problem}") from problem
    answers = iter(scorer.answer([request for requests in items for request in requests], description=task.name))
    correct = []
    for requests, gold in zip(items, golds, strict=True):
        own_answers = [next(answers) for _ in requests]
        if task.kind == "language modelling":
            correct.append(float(own_answers[0].is_greedy))
        else:
            means = [answer.log_likelihood / len(answer.token_log_likelihoods) for answer in own_answers]
            correct.append(float(int(np.argmax(means)) == gold))
    return np.array(correct)


def _centred(task: CoreTask, correct: np.ndarray, difference: str | None) -> Measurement:
    how = "the answer is written exactly" if task.kind == "language modelling" else "the likeliest answer per token"
    definition = f"{how}, {task.number_of_shots} examples; 0 is guessing ({100 * task.baseline:g} % right), 1 all right"
    if difference is not None:
        definition += f"; {difference}"
    centred = (correct - task.baseline) / (1 - task.baseline)
    return Measurement(f"centred {task.name}", definition, centred, np.ones(len(correct)))


def _mean(
    correct_by_task: Mapping[CoreTask, np.ndarray], missing: Sequence[str], different: Sequence[str]
) -> Measurement:
    """The mean over the tasks as a mean over items, each weighed so that every task counts the same."""
    total = sum(map(len, correct_by_task.values()))
    weighed = [
        (correct - task.baseline) / (1 - task.baseline) * total / (len(correct_by_task) * len(correct))
        for task, correct in correct_by_task.items()
    ]
    strata = np.repeat(np.arange(len(correct_by_task)), [len(correct) for correct in correct_by_task.values()])
    name, definition = "core", f"mean of the centred accuracies of {len(CORE_TASKS)} tasks"
    if missing or different:
        name = "core_partial"
        definition = (
            f"mean of the centred accuracies of {len(correct_by_task)} of {len(CORE_TASKS)} tasks, "
            "not to be set beside CORE"
        )
        definition += f"; missing: {', '.join(missing)}" if missing else ""
        definition += f"; of other items than DCLM's: {', '.join(different)}" if different else ""
    return Measurement(name, definition, np.concatenate(weighed), np.ones(total), strata=strata)
