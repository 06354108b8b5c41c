"""A runner over the kernels of the extra `fast`; what it gives and takes are NumPy's arrays."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gpt25.generation.array_penalties import apply_array_penalties
from gpt25.generation.engine.runner import Runner
from gpt25.generation.history import History
from gpt25.generation.piece import TokenProbability
from gpt25.generation.sampling_settings import SamplingSettings

if TYPE_CHECKING:
    from gpt25.kernels.processor_model import ProcessorModel


class KernelRunner(Runner[np.ndarray]):
    """Reads and draws with the kernels: every row has the bits that it has alone."""

    prefers_first_slots = False

    def __init__(self, model: "ProcessorModel", *, slots: int, capacity: int, most_rows: int) -> None:
        self.slots, self.capacity, self.most_rows = slots, capacity, most_rows
        self._steps = model.runner(slots=slots, capacity=capacity, most_rows=most_rows)

    def read(
        self, tokens: Sequence[int], *, slots: Sequence[int], positions: Sequence[int], wanted: Sequence[int]
    ) -> np.ndarray:
        """Read one token a row, and return the logits (wanted, vocabulary) behind the rows `wanted`."""
        return self._steps.read(tokens, slots=slots, positions=positions, wanted=wanted)

    def draw(
        self,
        logits: np.ndarray,
        *,
        settings: Sequence[SamplingSettings],
        histories: Sequence[History],
        uniforms: Sequence[float],
    ) -> list[int]:
        """Choose the next token of every row of logits (rows, vocabulary); NOT_DRAWN where none can be chosen."""
        if any(setting.changes_logits for setting in settings):
            logits = np.array(logits)
            apply_array_penalties(logits, settings, histories)
        ids = self._steps.draw(
            logits,
            temperatures=[0.0 if each.is_greedy else each.bounded_temperature for each in settings],
            top_k=[each.top_k or 0 for each in settings],
            top_p=[1.0 if each.top_p is None else each.top_p for each in settings],
            min_p=[each.min_p or 0.0 for each in settings],
            uniforms=uniforms,
        )
        return list(ids)

    def kept(self, logits: np.ndarray) -> np.ndarray:
        """A copy."""
        return np.array(logits)

    def together(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """Rows (vocabulary) one below the other: (rows, vocabulary)."""
        return np.stack(rows)

    def probability(self, logits: np.ndarray, token_id: int, *, likeliest: int) -> TokenProbability:
        """The log-probabilities of a token and of the likeliest by logits (vocabulary)."""
        scores = logits.astype(np.float64)  # (vocabulary)
        largest = scores.max()
        normaliser = largest + np.log(np.exp(scores - largest).sum())
        pairs = [(token, float(scores[token] - normaliser)) for token in _largest(scores, min(likeliest, len(scores)))]
        return TokenProbability(token_id, float(scores[token_id] - normaliser), tuple(pairs))

    def clear(self, slot: int) -> None:
        """Do nothing: a row reads its own text's positions only."""

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""
        self._steps.copy(source, target, length)


def _largest(scores: np.ndarray, count: int) -> list[int]:
    """Where the `count` largest scores (vocabulary) stand, the largest first, of equals the first."""
    if count == 0:
        return []
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    candidates = np.flatnonzero(~(scores < least))  # a NaN, which sorts as the largest, leaves none out
    in_order = candidates[np.argsort(-scores[candidates], kind="stable")]
    return in_order[:count].tolist()
