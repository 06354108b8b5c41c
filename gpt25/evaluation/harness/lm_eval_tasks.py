"""A task of lm-evaluation-harness by its own name, with our model inside the harness."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gpt25.counted import counted
from gpt25.errors import EvaluationError, GPT25Error
from gpt25.evaluation.harness.harness_settings import HarnessSettings
from gpt25.evaluation.harness.lm_eval_adapter import lm_eval_model
from gpt25.evaluation.harness.sample_measurement import sample_measurement
from gpt25.evaluation.scoring.continuation_scorer import OpenProgress
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.model import GPTModel
from gpt25.runtime import Ranks
from gpt25.tokenizer import Tokenizer

Samples = Mapping[str, Sequence[Mapping[str, Any]]]
_HASHES = ("doc_id", "filter", "doc_hash", "prompt_hash", "target_hash")


@dataclass(frozen=True)
class HarnessScore:
    """One metric as the harness computes it."""

    metric: str
    value: float
    standard_error: float | None
    definition: str
    measurement: Measurement | None = field(default=None, compare=False)
    """The same figure item by item, where it is a mean or a perplexity of the items."""


@dataclass(frozen=True)
class HarnessResult:
    """What the harness returns."""

    scores: list[HarnessScore]
    samples: Samples = field(default_factory=dict)
    """By task: every document with its prompt, the model's answers and what each metric made of them."""

    @cached_property
    def fingerprint(self) -> str | None:
        """SHA-256 of the documents, prompts and targets; None where there are none."""
        hashes = [
            (task, *(str(sample.get(name)) for name in _HASHES))
            for task, samples in sorted(self.samples.items())
            for sample in samples
        ]
        return hashlib.sha256(repr(hashes).encode("utf-8", "surrogatepass")).hexdigest() if hashes else None


def score_harness_task(
    name: str,
    model: GPTModel,
    tokenizer: Tokenizer,
    *,
    settings: HarnessSettings | None = None,
    batch_tokens: int | None = None,
    ranks: Ranks | None = None,
    open_progress: OpenProgress | None = None,
) -> HarnessResult:
    """What lm-evaluation-harness says of a model on one of its tasks or groups; it fetches the set from the Hub itself.

    A group's figures come with those of its tasks, whose names stand before the metric's. Raises EvaluationError for a
    task that the harness does not have or cannot prepare, MissingExtraError where it is not installed.
    """
    settings = HarnessSettings() if settings is None else settings
    adapter = lm_eval_model(
        model, tokenizer, batch_tokens=batch_tokens, ranks=ranks, open_progress=open_progress
    )  # first, because it says which extra is missing
    import lm_eval

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    try:
        results: dict[str, Any] = lm_eval.simple_evaluate(
            model=adapter,
            tasks=[name],
            limit=settings.limit,
            num_fewshot=settings.num_fewshot,
            task_manager=_tasks_of(settings.include_path),
            log_samples=True,
            bootstrap_iters=1000,
        )
    except GPT25Error:
        raise
    except Exception as problem:  # of the harness, of datasets, of a task's own code: nobody could list them
        reason = " ".join(f"{type(problem).__name__}: {problem}".split())[:300]
        raise EvaluationError(
            f"lm-evaluation-harness cannot run its task {name!r}: {reason}. `lm-eval ls tasks` lists its tasks; their "
            "sets come from the Hub."
        ) from problem
    scores = []
    for task, figures in results["results"].items():
        version = results.get("versions", {}).get(task, "?")
        shots = results.get("n-shot", {}).get(task, 0)
        definition = (
            f"lm-evaluation-harness {lm_eval.__version__}, task {task} version {version}, {counted(shots, 'examples')}"
        )
        prefix = "" if task == name or len(results["results"]) == 1 else f"{task} "
        scores += _scores(figures, results.get("samples", {}).get(task, []), definition, prefix)
    return HarnessResult(scores, results.get("samples", {}))


def _tasks_of(directory: Path | None) -> Any:
    if directory is None:
        return None
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(directory))


def _scores(
    figures: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], definition: str, prefix: str
) -> list[HarnessScore]:
    """Every figure of one task, whose results are {"acc,none": 0.5, "acc_stderr,none": 0.1, …}."""
    scores = []
    for key, value in figures.items():
        metric, _, variant = key.partition(",")
        if not variant or metric.endswith("_stderr") or not isinstance(value, int | float):
            continue
        error = figures.get(f"{metric}_stderr,{variant}")
        full = prefix + (metric if variant == "none" else f"{metric} ({variant})")
        own = [sample[metric] for sample in samples if sample.get("filter", variant) == variant and metric in sample]
        scores.append(
            HarnessScore(
                full,
                float(value),
                float(error) if isinstance(error, int | float) else None,
                definition,
                sample_measurement(full, definition, own, value=float(value)),
            )
        )
    return scores
