"""The tokens that a row has behind it."""

from collections.abc import Sequence
from typing import NamedTuple


class History(NamedTuple):
    """Token ids before the next one, in order; penalties look at them."""

    prompt: Sequence[int]
    """Ids of the prompt; the repetition penalty counts them in, the frequency and presence penalties do not."""
    generated: Sequence[int]
    """Ids drawn so far."""
