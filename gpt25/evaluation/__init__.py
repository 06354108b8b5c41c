"""Scores: how good a model is, by which protocol, with what error, beside what was published."""

from gpt25.evaluation.continuation_scorer import ContinuationScorer
from gpt25.evaluation.request import Answer, Request

__all__ = ["Answer", "ContinuationScorer", "Request"]
