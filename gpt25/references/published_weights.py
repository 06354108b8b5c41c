"""What is known of one set of weights that somebody released: numbers, and what they write."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedContinuation:
    """What a model wrote after a prompt when it always took the likeliest token."""

    prompt: str
    text: str
    """The new text only; the model may have gone on behind it."""
    source: str
    """Where it is written."""
    token_ids: tuple[int, ...] | None = None
    """The new tokens, where they were published too."""
    conditions: str | None = None
    """What else changed the choice there (a penalty, half precision, padding); None: nothing, in float32."""


@dataclass(frozen=True)
class PublishedWeights:
    """Facts by which anybody can tell whether these weights are really those that were released."""

    parameters: int
    """The tied head counted once."""
    first_positions: tuple[float, ...] = ()
    """The first numbers of the positional embedding of position 0 (transformer.wpe.weight), to four decimals."""
    first_positions_source: str = ""
    continuations: tuple[PublishedContinuation, ...] = ()
