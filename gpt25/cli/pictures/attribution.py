"""`gpt25 plot attribution`: which part of a model wrote the answer."""

from dataclasses import dataclass

from gpt25.cli.output import Output
from gpt25.cli.pictures.circuit import OfPrompt, answer, open_model
from gpt25.plots import require_picture_file


@dataclass(frozen=True, kw_only=True)
class Attribution(OfPrompt):
    """Draw what every head and perceptron added to the logit of the token that follows a prompt.

    Direct logit attribution: with the final layer norm's scale held, the parts add up to the logit.
    """

    answer: str | None = None
    """The token whose logit is split, as " Paris"; without it the likeliest."""
    other: str | None = None
    """A token whose logit is subtracted."""


def run(arguments: Attribution, output: Output) -> None:
    """Split the logit, draw."""
    require_picture_file(arguments.output)
    from gpt25.figures.circuits.attribution import attribution_question

    given = open_model(arguments)
    question = attribution_question(given, arguments.prompt, arguments.answer, arguments.other)
    answer(arguments, output, given, question, "The parts")
