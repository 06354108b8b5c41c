"""What is asked of the engine."""

from dataclasses import dataclass

from gpt25.generation.sampling_settings import SamplingSettings


@dataclass(frozen=True)
class Request:
    """Continue one prompt, once for each of `settings.samples`; checked by whoever makes it."""

    prompt_ids: tuple[int, ...]
    """At least one, and together with the new tokens at most as many as a slot holds."""
    settings: SamplingSettings
    """With a seed."""
    max_new_tokens: int
    """Most new tokens of each sample; 0 only reads the prompt."""
    log_probabilities: int | None = None
    """How many of the likeliest tokens to name beside each new token with their log-probabilities; 0: its own only."""
    prompt_log_probabilities: bool = False
    """Whether the tokens of the prompt are to have theirs too."""
