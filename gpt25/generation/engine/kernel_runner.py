"""A runner over the kernels of the extra `fast`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from gpt25.generation.engine.runner import Runner
from gpt25.generation.history import History
from gpt25.generation.penalties import apply_penalties
from gpt25.generation.sampling_settings import SamplingSettings
from gpt25.generation.token_weights import bounded_temperature

if TYPE_CHECKING:
    from gpt25.kernels.processor_model import ProcessorModel


class KernelRunner(Runner):
    """Reads and draws with the kernels: every row has the bits that it has alone."""

    prefers_first_slots = False

    def __init__(self, model: "ProcessorModel", *, slots: int, capacity: int, most_rows: int) -> None:
        self.slots, self.capacity, self.most_rows = slots, capacity, most_rows
        self._steps = model.runner(slots=slots, capacity=capacity, most_rows=most_rows)

    def read(
        self, tokens: Sequence[int], *, slots: Sequence[int], positions: Sequence[int], wanted: Sequence[int]
    ) -> Tensor:
        """Read one token a row, and return the logits (wanted, vocabulary) behind the rows `wanted`."""
        return self._steps.read(tokens, slots=slots, positions=positions, wanted=wanted)

    def draw(
        self,
        logits: Tensor,
        *,
        settings: Sequence[SamplingSettings],
        histories: Sequence[History],
        uniforms: Sequence[float],
    ) -> list[int]:
        """Choose the next token of every row of logits (rows, vocabulary); NOT_DRAWN where none can be chosen."""
        if any(setting.changes_logits for setting in settings):
            logits = logits.clone()
            apply_penalties(logits, settings, histories)
        ids = self._steps.draw(
            logits,
            temperatures=[0.0 if each.is_greedy else bounded_temperature(each.temperature) for each in settings],
            top_k=[each.top_k or 0 for each in settings],
            top_p=[1.0 if each.top_p is None else each.top_p for each in settings],
            min_p=[each.min_p or 0.0 for each in settings],
            uniforms=uniforms,
        )
        return list(ids)

    def clear(self, slot: int) -> None:
        """Do nothing: a row reads its own text's positions only."""

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""
        self._steps.copy(source, target, length)
