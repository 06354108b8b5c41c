"""`gpt25 plot neurons`: the neurons that a token excites most."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.cli.output import Output
from gpt25.cli.pictures.circuit import OfPrompt, answer, open_model
from gpt25.errors import ConfigurationError, InspectionError
from gpt25.plots import require_picture_file
from gpt25.storage import decode_text
from gpt25.storage.reading.bounded_file import read_bounded

if TYPE_CHECKING:
    from gpt25.figures.opened import OpenedModel

_MOST_NEURONS = 50
_LARGEST_BYTES = 4 << 20  # about a million tokens: of the 124M some minutes on a processor
_LONGEST_PIECE = 256


@dataclass(frozen=True, kw_only=True)
class Neurons(OfPrompt):
    """Draw the neurons that a token of a prompt excites most, at every token, with what each makes likelier."""

    position: int = -1
    """Which token, from 0, or from the end: -1 is the last."""
    count: int = 10
    """How many neurons, 1 to 50."""
    texts: Path | None = None
    """A UTF-8 text file in which the places are looked for that excite these neurons most."""


def run(arguments: Neurons, output: Output) -> None:
    """Check the arguments, find the neurons and their texts, draw."""
    require_picture_file(arguments.output)
    if not 1 <= arguments.count <= _MOST_NEURONS:
        raise ConfigurationError(f"count is {arguments.count}; it must be from 1 to {_MOST_NEURONS}.")
    from gpt25.figures.circuits.neurons import neurons_question

    given = open_model(arguments)
    texts = [] if arguments.texts is None else _texts(given, arguments.texts)
    question = neurons_question(given, arguments.prompt, arguments.position, arguments.count, texts=texts)
    answer(arguments, output, given, question, "The neurons")


def _texts(given: "OpenedModel", path: Path) -> list[list[int]]:
    """The file's tokens in pieces that the model reads at once."""
    if given.tokenizer is None:
        raise InspectionError("this model has no tokenizer, so it cannot read texts.")
    content = read_bounded(path, largest_bytes=_LARGEST_BYTES)
    ids = given.tokenizer.encode(decode_text(content, where=str(path), error=InspectionError))
    if not ids:
        raise InspectionError(f"{path} is empty: there is no text in it that could excite a neuron.")
    length = min(_LONGEST_PIECE, given.model.configuration.block_size)
    return [ids[first : first + length] for first in range(0, len(ids), length)]
