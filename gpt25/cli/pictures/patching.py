"""`gpt25 plot patching`: which activations carry the answer from one prompt into another."""

from dataclasses import dataclass

from gpt25.cli.output import Output
from gpt25.cli.pictures.circuit import OfPrompt, answer, open_model
from gpt25.errors import ConfigurationError
from gpt25.plots import require_picture_file


@dataclass(frozen=True, kw_only=True)
class Patching(OfPrompt):
    """Draw what each activation of one prompt, put into another, restores of the first one's answer.

    Layers by positions for the residual stream, attention and perceptrons, and every head. With --receiver it is path
    patching: what that receiver alone reads from each earlier part.
    """

    against: str = ""
    """The other prompt, of as many tokens, whose answer is another."""
    answer: str | None = None
    """The token that follows the prompt, as " Paris"; without it what the model says."""
    other: str | None = None
    """The token that follows the other prompt; without it what the model says."""
    receiver: str | None = None
    """logits, or in layer I transformer.hidden.I.attention, the same with .query, .key or .value, or
    transformer.hidden.I.multi_layer_perceptron."""
    receiver_head: int | None = None
    """One head of the receiver, where it is .query, .key or .value."""


def run(arguments: Patching, output: Output) -> None:
    """Check that there are two prompts, patch, draw."""
    require_picture_file(arguments.output)
    if not arguments.against:
        raise ConfigurationError("patching compares two prompts; name the other one with --against.")
    from gpt25.figures.circuits.patching import patching_question

    given = open_model(arguments)
    question = patching_question(
        given,
        arguments.prompt,
        arguments.against,
        arguments.answer,
        arguments.other,
        receiver=arguments.receiver,
        receiver_head=arguments.receiver_head,
    )
    answer(arguments, output, given, question, "The shares")
