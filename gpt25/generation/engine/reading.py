"""Which tokens a step reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gpt25.generation.engine.running_text import RunningText

_MOST_WANTED_ROWS = (
    128  # of a prompt whose every token's probability is asked for: 25 MB of logits for GPT-2's vocabulary
)


@dataclass
class Reading:
    """The rows of a step, and whose they are."""

    tokens: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)
    """Rows whose logits are asked for."""
    pieces: list[tuple[RunningText, int]] = field(default_factory=list)
    """The texts that read, and how many tokens each."""

    def add(self, text: RunningText, count: int, *, past: int) -> None:
        """Read the next `count` tokens of a text whose slot holds `past`."""
        first = len(self.tokens)
        self.tokens += text.unread[:count]
        self.slots += [text.slot] * count
        self.positions += range(past, past + count)
        if text.wants_every_row:
            self.wanted += range(first, first + count)
        elif count == len(text.unread):
            self.wanted.append(first + count - 1)
        self.pieces.append((text, count))


def next_reading(
    texts: Sequence[RunningText], held: Sequence[list[int]], *, most_rows: int, piece_beside_others: int
) -> Reading:
    """One token of every text that is being written, and pieces of prompts in equal shares.

    held: by slot, the tokens that it holds. While texts are being written, prompts get `piece_beside_others` tokens in
    all, so that nobody waits long for the next token.
    """
    reading = Reading()
    writing = sorted((text for text in texts if not text.is_reading_prompt), key=lambda text: text.slot)
    prompts = [text for text in texts if text.is_reading_prompt]
    for text in writing:
        reading.add(text, 1, past=len(held[text.slot]))
    budget = most_rows - len(writing)
    if writing:
        budget = min(budget, piece_beside_others)
    for number, text in enumerate(prompts):
        share = -(-budget // (len(prompts) - number))
        count = min(share, len(text.unread), _MOST_WANTED_ROWS if text.wants_every_row else share)
        if count > 0:
            reading.add(text, count, past=len(held[text.slot]))
            budget -= count
    return reading
