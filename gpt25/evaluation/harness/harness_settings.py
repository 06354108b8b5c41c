"""How a task of lm-evaluation-harness is run."""

from dataclasses import dataclass
from pathlib import Path

from gpt25.errors import EvaluationError
from gpt25.storage import is_directory


@dataclass(frozen=True)
class HarnessSettings:
    """How a task of the harness is run, in the harness's own terms."""

    limit: int | None = None
    """Only the first so many documents of every task."""
    num_fewshot: int | None = None
    """Solved examples before each question; None is what the task says."""
    include_path: Path | None = None
    """A directory with tasks of one's own."""

    def __post_init__(self) -> None:
        if self.num_fewshot is not None and self.num_fewshot < 0:
            raise EvaluationError(f"num_fewshot is {self.num_fewshot}; it must be at least 0.")
        if self.include_path is not None and not is_directory(self.include_path):
            raise EvaluationError(f"{self.include_path} is no directory; include_path is one with the harness's tasks.")
