"""`gpt25 plot residual`: how long the residual stream's vectors are."""

from dataclasses import dataclass

from gpt25.cli.output import Output
from gpt25.cli.pictures.circuit import OfPrompt, answer, open_model
from gpt25.plots import require_picture_file


@dataclass(frozen=True, kw_only=True)
class Residual(OfPrompt):
    """Draw the norm of the residual stream before every layer at every token, and of what each half of a layer adds."""


def run(arguments: Residual, output: Output) -> None:
    """Measure, draw."""
    require_picture_file(arguments.output)
    from gpt25.figures.circuits.residual import residual_question

    given = open_model(arguments)
    answer(arguments, output, given, residual_question(given, arguments.prompt), "The norms")
