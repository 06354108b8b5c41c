"""Scores: how good a model is, by which protocol, with what error, beside what was published.

The staircase: request and answer → plan → continuation scorer; a scorer for every kind of task upon it; the table of
tasks, which says how each set is read and scored; `read_examples` and `score`, which do it.
"""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.evaluation.examples import Examples, read_examples
    from gpt25.evaluation.score import groups_last, score
    from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer
    from gpt25.evaluation.scoring.measurement import Difference, Measurement, difference_between
    from gpt25.evaluation.scoring.request import Answer, Request
    from gpt25.evaluation.scoring.windows import windows
    from gpt25.evaluation.scoring_settings import ScoringSettings
    from gpt25.evaluation.sets.hub_sets import HubFile
    from gpt25.evaluation.task import Task
    from gpt25.evaluation.tasks import TASKS, find_task

__all__ = [
    "TASKS",
    "Answer",
    "ContinuationScorer",
    "Difference",
    "Examples",
    "HubFile",
    "Measurement",
    "Request",
    "ScoringSettings",
    "Task",
    "difference_between",
    "find_task",
    "groups_last",
    "read_examples",
    "score",
    "windows",
]

lazy_face(
    __name__,
    {
        "TASKS": "tasks",
        "Answer": "scoring.request",
        "ContinuationScorer": "scoring.continuation_scorer",
        "Difference": "scoring.measurement",
        "Examples": "examples",
        "HubFile": "sets.hub_sets",
        "Measurement": "scoring.measurement",
        "Request": "scoring.request",
        "ScoringSettings": "scoring_settings",
        "Task": "task",
        "difference_between": "scoring.measurement",
        "find_task": "tasks",
        "groups_last": "score",
        "read_examples": "examples",
        "score": "score",
        "windows": "scoring.windows",
    },
)
