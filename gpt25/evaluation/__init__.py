"""Scores: how good a model is, by which protocol, with what error, beside what was published.

The staircase: request and answer → plan → continuation scorer; a scorer for every kind of task upon it; the table of
tasks, which says how each set is read and scored; `read_examples` and `score`, which do it.
"""

from gpt25.evaluation.examples import Examples, read_examples
from gpt25.evaluation.score import ScoringSettings, groups_last, score
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer
from gpt25.evaluation.scoring.measurement import Difference, Measurement, difference_between
from gpt25.evaluation.scoring.request import Answer, Request
from gpt25.evaluation.scoring.windows import windows
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
