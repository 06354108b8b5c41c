"""Several texts that grow at the same time, shown one after the other."""

from gpt25.cli.output import Output
from gpt25.generation import Piece


class ShownTexts:
    """Shows the first unfinished text as it grows, the others when their turn comes."""

    def __init__(self, prompt: str, *, number_of_samples: int, output: Output) -> None:
        """Show the beginning of the first text; `prompt` stands in front of every one."""
        self._prompt = prompt
        self._waiting: list[list[Piece]] = [[] for _ in range(number_of_samples)]
        self._current = 0
        self._output = output
        self._begin()

    def show(self, piece: Piece) -> None:
        """Show the piece, or keep it until the texts before its own are finished."""
        self._waiting[piece.index].append(piece)
        while self._current < len(self._waiting) and self._waiting[self._current]:
            shown = self._waiting[self._current].pop(0)
            self._output.verbatim(shown.text, end="")
            if shown.finish_reason is not None:
                self._end()

    def show_rest(self) -> None:
        """Nothing comes any more: show what is kept of the texts that have not ended."""
        while self._current < len(self._waiting):
            for piece in self._waiting[self._current]:
                self._output.verbatim(piece.text, end="")
            self._waiting[self._current] = []
            self._end()

    def _begin(self) -> None:
        heading = text_heading(self._current, len(self._waiting))
        self._output.verbatim(heading + self._prompt, end="")

    def _end(self) -> None:
        self._output.say()
        self._current += 1
        if self._current < len(self._waiting):
            self._begin()


def text_heading(index: int, number_of_samples: int) -> str:
    """What stands above a text: nothing where there is only one."""
    return f"--- sample {index + 1} of {number_of_samples} ---\n" if number_of_samples > 1 else ""
