"""What a request gets back, bit by bit."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from gpt25.errors import GenerationError
from gpt25.generation.engine.request import Request
from gpt25.generation.piece import Piece, TokenProbability


@dataclass(eq=False)
class Ticket:
    """One request in the engine: what came of it so far. Its owner reads it, the engine alone writes."""

    request: Request
    pieces: deque[Piece] = field(default_factory=deque)
    """Pieces that nobody has taken yet."""
    prompt_probabilities: list[TokenProbability] = field(default_factory=list)
    """Of the prompt's tokens from the second on, where they were asked for: complete before the first piece comes."""
    error: GenerationError | None = None
    """Why nothing more comes, where the request failed."""
    is_cancelled: bool = False
    """Set by `Engine.cancel`: nothing more comes."""
    started: int = 0
    """How many of its samples have begun."""
    ended: int = 0
    """How many have ended."""
    last_logits: Any = None
    """What follows the prompt (vocabulary), once it is read, as long as samples are to begin there."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more comes."""
        return self.error is not None or self.is_cancelled or self.ended == self.request.settings.samples

    @property
    def is_waiting(self) -> bool:
        """Whether samples of it have not begun."""
        return not self.is_finished and self.started < self.request.settings.samples
