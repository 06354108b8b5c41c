"""A runner for any GPTModel, on any device and in any precision."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from gpt25.generation.engine.decode_graphs import DecodeGraphs
from gpt25.generation.engine.runner import Runner
from gpt25.generation.history import History
from gpt25.generation.piece import TokenProbability
from gpt25.generation.sample_next import draw_next
from gpt25.generation.sampling_settings import SamplingSettings
from gpt25.model import GPTModel, SlotCache
from gpt25.model.key_value_cache import Cache
from gpt25.runtime import to_device

_MOST_ROWS = 4096  # of a step; a prompt is then read at once, which is fastest where nobody else waits


class TorchRunner(Runner[Tensor]):
    """Computes with the model's own modules; its mode (training or evaluation) is kept."""

    prefers_first_slots = True

    def __init__(self, model: GPTModel, *, slots: int, capacity: int, most_rows: int = _MOST_ROWS) -> None:
        self.slots = slots
        self.capacity = capacity
        self.most_rows = most_rows
        self._model = model
        self._fewest_rows = 2 if _rounds_otherwise_alone(model) else 1
        self._cache = SlotCache(
            model.configuration,
            slots=max(slots, self._fewest_rows),
            capacity=capacity,
            device=model.device,
            dtype=model.dtype,
        )
        self._graphs = DecodeGraphs(model, self._cache) if model.device.type == "cuda" else None

    @torch.inference_mode()
    def read(
        self, tokens: Sequence[int], *, slots: Sequence[int], positions: Sequence[int], wanted: Sequence[int]
    ) -> Tensor:
        """Read pieces of prompts one by one and single tokens together."""
        single: list[int] = []
        found, order = [], []  # logits (some rows, vocabulary), and which rows they are
        row, asked = 0, set(wanted)
        with _without_dropout(self._model):
            for slot, group in itertools.groupby(slots):
                rows = list(range(row, row := row + len(list(group))))
                if len(rows) == 1 and positions[rows[0]] > 0:
                    single += rows
                    continue
                piece = self._cache.piece(slot, past=positions[rows[0]])
                states = self._hidden_states([[tokens[index] for index in rows]], piece)[0]  # (time, channels)
                chosen = [index for index in rows if index in asked]
                found.append(self._logits(_in_order(states, rows, chosen)))
                order += chosen
            if single:
                found.append(self._read_single(single, tokens, slots, positions))
                order += single
        return _in_order(torch.cat(found) if len(found) > 1 else found[0], order, wanted)

    def draw(
        self,
        logits: Tensor,
        *,
        settings: Sequence[SamplingSettings],
        histories: Sequence[History],
        uniforms: Sequence[float],
    ) -> list[int]:
        """Choose the next token of every row of logits (rows, vocabulary); the one wait for a GPU in a step."""
        return draw_next(logits, settings=settings, histories=histories, uniforms=uniforms).tolist()

    def kept(self, logits: Tensor) -> Tensor:
        """A copy."""
        return logits.clone()

    def together(self, rows: Sequence[Tensor]) -> Tensor:
        """Rows (vocabulary) one below the other: (rows, vocabulary)."""
        return torch.stack(list(rows))

    def probability(self, logits: Tensor, token_id: int, *, likeliest: int) -> TokenProbability:
        """The log-probabilities of a token and of the likeliest by logits (vocabulary)."""
        scores = logits.double()  # (vocabulary)
        normaliser = torch.logsumexp(scores, 0)
        values, ids = scores.topk(min(likeliest, len(scores))) if likeliest else (scores[:0], torch.empty(0))
        values = values - normaliser
        pairs = sorted(zip(values.tolist(), ids.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
        own = (scores[token_id] - normaliser).item()
        return TokenProbability(token_id, own, tuple((int(token), value) for value, token in pairs))

    def clear(self, slot: int) -> None:
        """Take out what a slot holds."""
        self._cache.clear(slot)

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""
        self._cache.copy(source, target, length)

    def _read_single(
        self, rows: list[int], tokens: Sequence[int], slots: Sequence[int], positions: Sequence[int]
    ) -> Tensor:
        """Logits (rows, vocabulary) behind one token in each of some slots. Slots between them are computed in vain."""
        height = max(self._fewest_rows, max(slots[row] for row in rows) + 1)
        ids, lengths = [0] * height, [self.capacity] * height
        if len(rows) == 1 and self._fewest_rows > 1 and slots[rows[0]] == 0:  # the same row twice, and no mask
            ids, lengths = [tokens[rows[0]]] * height, [positions[rows[0]]] * height
        for row in rows:
            ids[slots[row]], lengths[slots[row]] = tokens[row], positions[row]
        read = [slots[row] for row in rows]
        if self._graphs is not None:
            return _in_order(self._graphs.logits(ids, lengths), range(height), read)
        longest = max(length for length in lengths if length < self.capacity)
        is_even = min(lengths) == max(lengths)
        cache = self._cache.next_tokens(to_device(lengths, self._model.device), longest=longest, is_even=is_even)
        states = self._hidden_states([[token] for token in ids], cache)[:, 0]  # (height, channels)
        return self._logits(_in_order(states, range(height), read))

    def _hidden_states(self, ids: list[list[int]], cache: Cache) -> Tensor:
        """What the head reads (batch, time, channels)."""
        return self._model.hidden_states(to_device(ids, self._model.device), cache=cache)

    def _logits(self, states: Tensor) -> Tensor:
        """Logits (rows, vocabulary) of what the head reads (rows, channels)."""
        # A single row goes twice where it would be rounded otherwise than beside others.
        enough = states.expand(self._fewest_rows, -1) if len(states) == 1 else states
        logits: Tensor = self._model.language_modeling_head(enough)
        return logits[: len(states)]


def _in_order(states: Tensor, order: Sequence[int], wanted: Sequence[int]) -> Tensor:
    """States (rows, channels) of the rows with the numbers `order`, as those of `wanted`: (wanted, channels)."""
    place = {row: index for index, row in enumerate(order)}
    places = [place[row] for row in wanted]
    if places and places == list(range(places[0], places[0] + len(places))):  # a view, and nothing to send to a GPU
        return states[places[0] : places[0] + len(places)]
    return states[to_device(places, states.device, dtype=torch.long)]


def _rounds_otherwise_alone(model: GPTModel) -> bool:
    """Whether torch multiplies a single row in another order, and no faster than two: bfloat16 on the processor."""
    matrix = model.language_modeling_head
    return (
        isinstance(matrix, nn.Linear) and matrix.weight.dtype == torch.bfloat16 and matrix.weight.device.type == "cpu"
    )


@contextlib.contextmanager
def _without_dropout(model: GPTModel) -> Iterator[None]:
    """Evaluate the model even in the middle of its training, and leave it in the mode in which it was."""
    was_training = model.training
    if was_training:
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()
