"""`gpt25 plot head-scores`: which heads look back, and how."""

from dataclasses import dataclass

from gpt25.cli.output import Output
from gpt25.cli.pictures.circuit import OfModel, answer, open_model
from gpt25.plots import require_picture_file


@dataclass(frozen=True, kw_only=True)
class HeadScores(OfModel):
    """Draw how much each head looks at the token before, at the same token earlier, or behind that (induction).

    Measured on random tokens that come twice, on which nothing helps but looking back.
    """

    seed: int = 0
    """Draws the random tokens."""


def run(arguments: HeadScores, output: Output) -> None:
    """Score, draw."""
    require_picture_file(arguments.output)
    from gpt25.figures.circuits.head_scores import head_scores_question

    given = open_model(arguments)
    answer(arguments, output, given, head_scores_question(seed=arguments.seed), "The scores")
