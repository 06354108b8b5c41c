"""The next token of several texts as one recorded piece of GPU work: one launch instead of some hundred."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gpt25.model import GPTModel, SlotCache
from gpt25.runtime import to_device

Capture = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""Takes what computes a tensor; gives what computes it again, and the tensor that then holds the result."""

_POSITIONS_OF_A_BUCKET = 128  # attention reads that many positions more at most, a fiftieth of the weights' bytes


class _Graph(NamedTuple):
    inputs: Tensor  # (2, rows) int64: token ids, and the positions that each slot holds
    replay: Callable[[], None]
    logits: Tensor  # (rows, vocabulary)


class DecodeGraphs:
    """Logits behind one new token in each of the first slots of a cache.

    A CUDA graph is recorded for each number of rows, rounded up to a power of two, and each number of positions,
    rounded up to a multiple of 128; it reads its tokens and positions from one tensor, which is filled before. Rows
    that are there only for the rounding write to the position that every slot has for that.
    """

    def __init__(self, model: GPTModel, cache: SlotCache, *, capture: Capture | None = None) -> None:
        """capture: records work; by default as a CUDA graph."""
        self._model = model
        self._cache = cache
        self._capture = capture or _recorded
        self._graphs: dict[tuple[int, int], _Graph] = {}

    def logits(self, token_ids: Sequence[int], lengths: Sequence[int]) -> Tensor:
        """Logits (rows, vocabulary) behind token_ids (rows), where the slots hold `lengths` (rows) positions.

        The capacity as a length stands for a slot without a text. The result is overwritten by the next call.
        """
        rows = min(1 << (len(token_ids) - 1).bit_length(), self._cache.slots)
        longest = max(length for length in lengths if length < self._cache.capacity)
        positions = min(-(-(longest + 1) // _POSITIONS_OF_A_BUCKET) * _POSITIONS_OF_A_BUCKET, self._cache.capacity)
        idle = rows - len(token_ids)
        values = [[*token_ids, *[0] * idle], [*lengths, *[self._cache.capacity] * idle]]
        graph = self._graphs.get((rows, positions))
        if graph is None:
            graph = self._graphs[rows, positions] = self._made(values, positions)
        else:
            graph.inputs.copy_(to_device(values, graph.inputs.device), non_blocking=True)
            graph.replay()
        return graph.logits[: len(token_ids)]

    def _made(self, values: list[list[int]], positions: int) -> _Graph:
        """Record a graph; its inputs are true ones, for recording computes, and so writes to the cache."""
        inputs = to_device(values, self._model.device)  # (2, rows)

        def compute() -> Tensor:
            cache = self._cache.next_tokens(inputs[1], longest=positions - 1)
            hidden = self._model.hidden_states(inputs[0].unsqueeze(-1), cache=cache)[:, 0]  # (rows, channels)
            logits: Tensor = self._model.language_modeling_head(hidden)
            return logits

        replay, logits = self._capture(compute)
        return _Graph(inputs, replay, logits)


def _recorded(compute: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """Record what a computation launches, after it has run twice beside, so that nothing is chosen while recording."""
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        compute()
        compute()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = compute()
    graph.replay()  # recording itself computes nothing
    return graph.replay, result
