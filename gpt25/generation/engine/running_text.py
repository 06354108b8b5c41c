"""One sample of a request while it has a slot."""

import dataclasses
from typing import Any

from gpt25.generation.engine.runner import Runner
from gpt25.generation.engine.ticket import Ticket
from gpt25.generation.piece import Piece, TokenProbability
from gpt25.generation.running_sample import RunningSample


@dataclasses.dataclass(eq=False)
class RunningText:
    """A sample, its slot, and what of it the model has still to read."""

    ticket: Ticket
    sample: RunningSample
    slot: int
    unread: list[int]
    """Token ids that follow what the slot holds: the rest of the prompt, or the token that was drawn last."""
    is_reading_prompt: bool = True
    """Whether nothing has been drawn yet."""
    _probabilities: list[TokenProbability] = dataclasses.field(default_factory=list)  # of tokens not yet in a piece

    @property
    def wants_every_row(self) -> bool:
        """Whether the probabilities of the prompt's tokens are asked for, and this sample reads it for them."""
        return self.is_reading_prompt and self.ticket.request.prompt_log_probabilities and self.sample.index == 0

    def note_prompt(self, logits: Any, *, past: int, runner: Runner[Any]) -> None:
        """Take the runner's logits (time, vocabulary) behind the prompt's tokens from number `past` on."""
        request = self.ticket.request
        followers = request.prompt_ids[past + 1 : past + 1 + len(logits)]  # none follows the last
        for row, token_id in zip(logits, followers, strict=False):
            probability = runner.probability(row, token_id, likeliest=request.log_probabilities or 0)
            self.ticket.prompt_probabilities.append(probability)

    def end_unwritten(self) -> None:
        """End a text of which only the prompt was to be read."""
        self.sample.finish_reason = "length"
        self.ticket.pieces.append(Piece(self.sample.index, "", (), "length"))

    def accept(self, token_id: int, logits: Any, *, runner: Runner[Any]) -> None:
        """Add the token that was drawn by the runner's logits (vocabulary), and hand on what can be shown."""
        self.is_reading_prompt = False
        wanted = self.ticket.request.log_probabilities
        piece = self.sample.accept(token_id)
        if wanted is not None:
            self._probabilities.append(runner.probability(logits, token_id, likeliest=wanted))
        if piece is not None:
            if wanted is not None:
                piece = dataclasses.replace(piece, probabilities=tuple(self._probabilities))
                self._probabilities = []
            self.ticket.pieces.append(piece)
        self.unread = [token_id]
