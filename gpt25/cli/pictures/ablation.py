"""`gpt25 plot ablation`: what a text costs more without a part of the model."""

from dataclasses import dataclass
from typing import Literal

from gpt25.cli.output import Output
from gpt25.cli.pictures.circuit import OfPrompt, answer, open_model
from gpt25.plots import require_picture_file


@dataclass(frozen=True, kw_only=True)
class Ablation(OfPrompt):
    """Draw how much more a text costs without each head, each neuron of a layer, or the positions."""

    of: Literal["heads", "neurons", "positions"] = "heads"
    """What is taken away, one at a time: heads (and whole halves of layers), neurons of one layer, or positions."""
    layer: int | None = None
    """Of the neurons, from 0; the last one without it."""
    replacement: Literal["mean", "zero"] = "mean"
    """What a head or neuron gives then: its mean over the text, or zero."""


def run(arguments: Ablation, output: Output) -> None:
    """Take away, measure, draw."""
    require_picture_file(arguments.output)
    from gpt25.figures.circuits.ablation import ablation_question

    given = open_model(arguments)
    question = ablation_question(given, arguments.prompt, arguments.of, arguments.layer, arguments.replacement)
    answer(arguments, output, given, question, "The costs")
