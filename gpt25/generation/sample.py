"""One finished text."""

from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length"]
"""stop: at `<|endoftext|>` or a stop string; length: max_new_tokens were drawn."""


@dataclass(frozen=True)
class Sample:
    """What followed the prompt, in one of the requested texts."""

    text: str
    """The new text only, without the stop string."""
    token_ids: tuple[int, ...]
    """The new tokens only. `<|endoftext|>` is not among them; those that spell a stop string are."""
    finish_reason: FinishReason
    seed: int
    """The seed of the request, drawn where none was given: with it this sample comes again."""
