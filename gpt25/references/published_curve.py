"""How the loss of a published run fell with its tokens, and from what kind of run the points are."""

import itertools
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedCurve:
    """Losses of one run along its way; straight lines over the logarithm of the tokens between them."""

    run: str
    """Whose, of which model, on what, in words."""
    optimizer: str
    data_set: str
    tokens_per_update: int
    points: tuple[tuple[float, float], ...]
    """Pairs of millions of tokens and nats per token, falling."""
    last_losses: tuple[float, float]
    """The lowest and the highest loss that this run and others like it ended with."""
    source: str

    @property
    def total_tokens(self) -> float:
        """Tokens of the whole run."""
        return self.points[-1][0] * 1e6

    def tokens_to(self, loss: float) -> float | None:
        """Tokens at which the run was down to a loss; None where it never was."""
        if self.points[0][1] <= loss:
            return self.points[0][0] * 1e6
        for (left, high), (right, low) in itertools.pairwise(self.points):
            if low <= loss < high:
                return left * math.pow(right / left, (high - loss) / (high - low)) * 1e6
        return None


LLM_C_124M = PublishedCurve(
    run="llm.c's 124M with AdamW on FineWeb",
    optimizer="adamw",
    data_set="fineweb",
    tokens_per_update=524_288,
    points=((131, 6.17), (210, 5.70), (524, 4.32), (655, 4.13), (2753, 3.54), (10260, 3.27)),
    last_losses=(3.27, 3.29),
    source="modded-nanogpt, records/2024-10-13_llmc/main.log",
)
"""What the recipes' [track] lies a quarter of a nat above."""
