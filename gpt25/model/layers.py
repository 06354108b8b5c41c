"""Torch's layers without their own random numbers.

Torch fills a layer when it is built, and GPTModel then fills it again as GPT-2 does. Leaving out the first time halves
the building, leaves torch's global generator alone when another is given, and lets a model that is about to be loaded
be built without drawing anything.
"""

from torch import nn


class Linear(nn.Linear):
    """A linear layer whose weights are undefined until GPTModel draws or loads them."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


class Embedding(nn.Embedding):
    """An embedding whose rows are undefined until GPTModel draws or loads them."""

    def reset_parameters(self) -> None:
        """Draw nothing."""
