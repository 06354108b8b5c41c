"""A task of lm-evaluation-harness by its own name, with our model inside the harness."""

import logging
from dataclasses import dataclass
from typing import Any

from gpt25.errors import EvaluationError, GPT25Error
from gpt25.evaluation.harness.lm_eval_adapter import lm_eval_model
from gpt25.evaluation.scoring.continuation_scorer import OpenProgress
from gpt25.model import GPTModel
from gpt25.runtime import Ranks
from gpt25.tokenizer import Tokenizer


@dataclass(frozen=True)
class HarnessScore:
    """One figure as the harness reckons it."""

    metric: str
    value: float
    standard_error: float | None
    definition: str


def score_harness_task(
    name: str,
    model: GPTModel,
    tokenizer: Tokenizer,
    *,
    limit: int | None = None,
    batch_tokens: int | None = None,
    ranks: Ranks | None = None,
    open_progress: OpenProgress | None = None,
) -> list[HarnessScore]:
    """What lm-evaluation-harness says of a model on one of its tasks or groups; it fetches the set from the Hub itself.

    A group's figures come with those of its tasks, whose names stand before the metric's. Raises EvaluationError for a
    task that the harness does not have or cannot prepare, MissingExtraError where it is not installed.
    """
    adapter = lm_eval_model(
        model, tokenizer, batch_tokens=batch_tokens, ranks=ranks, open_progress=open_progress
    )  # first, because it says which extra is missing
    import lm_eval

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    try:
        found: dict[str, Any] = lm_eval.simple_evaluate(
            model=adapter, tasks=[name], limit=limit, log_samples=False, bootstrap_iters=1000
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
    for task, figures in found["results"].items():
        version = found.get("versions", {}).get(task, "?")
        shots = found.get("n-shot", {}).get(task, 0)
        definition = f"lm-evaluation-harness {lm_eval.__version__}, task {task} version {version}, {shots} examples"
        for key, value in figures.items():
            metric, _, variant = key.partition(",")
            if not variant or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            error = figures.get(f"{metric}_stderr,{variant}")
            full = metric if variant == "none" else f"{metric} ({variant})"
            scores.append(
                HarnessScore(
                    full if task == name or len(found["results"]) == 1 else f"{task} {full}",
                    float(value),
                    float(error) if isinstance(error, int | float) else None,
                    definition,
                )
            )
    return scores
