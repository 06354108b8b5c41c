"""The texts of a session, step by step, so that every step can be gone on with, repeated or taken back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class WrittenText:
    """What a model wrote in one sample of one step."""

    text: str
    token_ids: tuple[int, ...]
    """Their ids; of a text that a stop string ended, those that spell the text without it."""


@dataclass(frozen=True)
class Step:
    """One time that the model wrote: what stood before, what was typed, and the samples that followed."""

    before: "Step | None"
    """The step whose chosen sample this one went on with; None where a text begins."""
    typed: str
    prompt_ids: tuple[int, ...]
    """The end of what stands before the samples, as many ids as a block can hold."""
    prompt_tokens: int
    """How many tokens stand before the samples in all."""
    seed: int
    samples: tuple[WrittenText, ...] = ()
    chosen: int = 0
    """The sample that the next step goes on with."""

    @property
    def text(self) -> str:
        """Everything from the text's beginning to the end of the chosen sample."""
        pieces: list[str] = []
        step: Step | None = self
        while step is not None:
            pieces += [step.samples[step.chosen].text, step.typed]
            step = step.before
        return "".join(reversed(pieces))

    @property
    def tokens(self) -> int:
        """How many tokens that text has."""
        return self.prompt_tokens + len(self.samples[self.chosen].token_ids)

    def ids_behind(self, added: Sequence[int], *, block_size: int) -> tuple[int, ...]:
        """The end of that text with some ids behind it: as many as the block can hold."""
        return (*self.prompt_ids, *self.samples[self.chosen].token_ids, *added)[-block_size:]


class Story:
    """The steps of a session, the newest last."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    @property
    def newest(self) -> Step | None:
        """The step that the next command is about; None before the first and after all were taken back."""
        return self._steps[-1] if self._steps else None

    def add(self, step: Step) -> None:
        """Make this the newest step."""
        self._steps.append(step)

    def undo(self) -> Step | None:
        """Take the newest step back and return it; None where there is none."""
        return self._steps.pop() if self._steps else None

    def choose(self, index: int) -> None:
        """Let the next step go on with this sample of the newest step, counted from 0."""
        self._steps[-1] = replace(self._steps[-1], chosen=index)
