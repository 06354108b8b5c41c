"""What is known of one set of weights that somebody released: values, and the text they generate."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedContinuation:
    """The greedy continuation of a prompt by a model."""

    prompt: str
    text: str
    """The new text only; the model may have gone on behind it."""
    source: str
    """Where it is written."""
    token_ids: tuple[int, ...] | None = None
    """The new tokens, where they were published too."""
    conditions: str | None = None
    """What else changed the tokens there (a penalty, half precision, padding); None: nothing, in float32."""


@dataclass(frozen=True)
class PublishedWeights:
    """Facts by which anybody can tell whether these weights are really those that were released."""

    parameters: int
    """The tied head counted once."""
    first_position_values: tuple[float, ...] = ()
    """The first values of the positional embedding of position 0 (transformer.wpe.weight), to four decimals."""
    first_position_values_source: str = ""
    continuations: tuple[PublishedContinuation, ...] = ()
