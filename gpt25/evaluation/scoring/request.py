"""Requests to a model and its answers: the log-likelihood of a continuation after a context."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpt25.errors import EvaluationError


@dataclass(frozen=True)
class Request:
    """How likely is `continuation` after `context`? Both are token ids, neither may be empty.

    A text without anything before it is asked with the token between documents as its context.
    """

    context: tuple[int, ...]
    continuation: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.context or not self.continuation:
            raise EvaluationError(
                f"a request has {len(self.context)} tokens of context and {len(self.continuation)} to score; both need "
                "at least one. Begin a text with the token between documents."
            )


@dataclass(frozen=True)
class Answer:
    """For every token of a continuation its log-likelihood in nats, and whether it was the likeliest.

    `is_likeliest_allowed` says so among the tokens that are left when the barred ones are taken away; without barred
    tokens it is the same as `is_likeliest`.
    """

    token_log_likelihoods: Sequence[float]
    is_likeliest: Sequence[bool]
    is_likeliest_allowed: Sequence[bool]

    @property
    def log_likelihood(self) -> float:
        """Of the whole continuation, in nats: the sum over its tokens."""
        return sum(self.token_log_likelihoods)

    @property
    def is_greedy(self) -> bool:
        """Whether a model that always takes the likeliest token would write exactly this continuation."""
        return all(self.is_likeliest)
