"""One finished text."""

from dataclasses import dataclass
from typing import Literal

from gpt25.markup import text

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

    def _repr_html_(self) -> str:
        """In a notebook: the text as it stands, with its line breaks, and what is known of it below."""
        ended = "stopped by itself" if self.finish_reason == "stop" else "cut at its length"
        number = len(self.token_ids)
        return (
            f'<pre style="white-space:pre-wrap;text-align:left">{text(self.text)}</pre>'
            f"<small>{number:,} token{'' if number == 1 else 's'}, {ended}, seed {self.seed}</small>"
        )
