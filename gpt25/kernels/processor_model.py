"""A GPT-2 on the processor: many rows a step, each with the bits that it has alone."""

import weakref
from collections.abc import Sequence

import numpy as np
from numba import typeof

from gpt25.kernels.drawing import BINS, DrawingRoom, Draws, draw_rows
from gpt25.kernels.memory import Room, Rows
from gpt25.kernels.processor_weights import kernel_weights
from gpt25.kernels.step import take_step
from gpt25.kernels.team import Team
from gpt25.kernels.tiles import PADDING
from gpt25.kernels.vector_code import converts_float16
from gpt25.model import GPTConfiguration, ModelArrays
from gpt25.runtime import default_threads

_TILE = 32  # sums of a tile, with room for whole vectors
_CACHE_LINE = 64  # bytes
_EVERYBODY_CAME = 1 << 62  # more than any step's threads come to its meetings


class ProcessorModel:
    """A model's weights as the kernels read them, and the threads that do."""

    def __init__(self, model: ModelArrays, *, workers: int | None = None) -> None:
        """workers: threads; None for as many as torch takes by itself."""
        self.weights, self._matrices = kernel_weights(model)
        self.configuration = model.configuration
        self.team = Team(workers or default_threads())
        weakref.finalize(self, self.team.close)

    def runner(self, *, slots: int, capacity: int, most_rows: int) -> "ProcessorRunner":
        """Slots for texts of up to `capacity` positions, and room for steps of up to `most_rows` tokens."""
        return ProcessorRunner(self, slots=slots, capacity=capacity, most_rows=most_rows)


class ProcessorRunner:
    """Reads tokens of several texts in one step and gives the logits behind some of them.

    Every text has a slot: keys and values of up to `capacity` positions. What a row gives depends on its own text only,
    to the last bit, whatever other rows the step has and however many threads there are: whole numbers are summed
    exactly, and every other sum is made for each row by itself, in one order.
    """

    prefers_first_slots = False

    def __init__(self, model: ProcessorModel, *, slots: int, capacity: int, most_rows: int) -> None:
        configuration = model.configuration
        self._model = model
        self._heads, self.slots, self.capacity, self.most_rows = (
            configuration.number_of_heads,
            slots,
            capacity,
            most_rows,
        )
        shape = (configuration.number_of_layers, slots, self._heads, capacity, configuration.head_size)
        is_short = model.weights.embeddings.dtype == np.int8 and converts_float16()
        kind = np.uint16 if is_short else np.float32  # float16, by its bits
        self._keys, self._values = np.empty(shape, kind), np.empty(shape, kind)
        self._logits = np.empty((most_rows, configuration.vocabulary_size), np.float32)
        self._room = self._made_room(configuration)
        self._is_compiled = False
        workers, vocabulary = model.team.workers, configuration.vocabulary_size
        self._drawing_room = DrawingRoom(
            scores=np.empty((workers, vocabulary), np.float32),
            weights=np.empty((workers, vocabulary), np.float32),
            keys=np.empty((workers, vocabulary), np.int32),
            counts=np.empty((workers, 2 * BINS), np.int64),
            sums=np.empty((workers, BINS), np.float64),
        )

    def read(
        self, tokens: Sequence[int], *, slots: Sequence[int], positions: Sequence[int], wanted: Sequence[int]
    ) -> np.ndarray:
        """Read one token a row, and return the logits (wanted, vocabulary) behind the rows `wanted`.

        tokens, slots, positions: of every row. The positions before a row's own must have been read in its slot, in
        earlier steps or in earlier rows of this one. The result is overwritten by the next step.
        """
        assert len(tokens) == len(slots) == len(positions) <= self.most_rows
        count = np.arange(len(tokens))
        rows = Rows(
            tokens=np.array(tokens, np.int64),
            slots=np.array(slots, np.int64),
            positions=np.array(positions, np.int64),
            wanted=np.array(wanted, np.int64),
            keys=self._keys,
            values=self._values,
            logits=self._logits,
        )
        self._room.counter[0] = 0
        weights, team = self._model.weights, self._model.team
        common = (weights, rows, self._room, self._heads, count)
        if not self._is_compiled:  # by one thread, so that Ctrl-C in these seconds finds no other at work
            take_step.compile(tuple(typeof(each) for each in (*common, 0, team.workers)))
            self._is_compiled = True
        team.run(lambda worker: take_step(*common, worker, team.workers), give_up=self._give_up)
        return self._logits[: len(wanted)]

    def _give_up(self) -> None:
        """Let no thread wait for another in the step that runs; what it gives is then worth nothing."""
        self._room.counter[0] = _EVERYBODY_CAME

    def draw(
        self,
        logits: np.ndarray,
        *,
        temperatures: Sequence[float],
        top_k: Sequence[int],
        top_p: Sequence[float],
        min_p: Sequence[float],
        uniforms: Sequence[float],
    ) -> Sequence[int]:
        """Draw a token for every row of logits (rows, vocabulary) float32: see `Draws` for what the numbers mean."""
        rows = np.ascontiguousarray(logits)
        ids = np.empty(len(rows), np.int64)
        draws = Draws(
            logits=rows,
            temperatures=np.array(temperatures, np.float32),
            top_k=np.array(top_k, np.int64),
            top_p=np.array(top_p, np.float64),
            min_p=np.array(min_p, np.float32),
            uniforms=np.array(uniforms, np.float64),
            ids=ids,
        )
        team, room = self._model.team, self._drawing_room
        workers = max(1, min(len(rows), team.workers))  # waking a thread for nothing takes as long as a row's draw
        team.run(lambda worker: draw_rows(draws, room, worker, workers), workers=workers)
        return ids.tolist()

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""
        for storage in (self._keys, self._values):
            storage[:, target, :, :length] = storage[:, source, :, :length]

    def _made_room(self, configuration: GPTConfiguration) -> Room:
        rows, workers, head_size = self.most_rows, self._model.team.workers, configuration.head_size
        channels, hidden = configuration.number_of_embedding_dimensions, configuration.number_of_hidden_dimensions
        is_int8 = self._model.weights.embeddings.dtype == np.int8
        activations = np.int16 if is_int8 else np.float32
        longest = _padded(max(channels, self.capacity)) + PADDING
        return Room(
            stream=np.zeros((rows, channels), np.float32),
            inputs=np.zeros((rows, _padded(channels)), activations),
            hidden_inputs=np.zeros((rows, _padded(hidden)), activations),
            input_scales=np.zeros(rows, np.float32),
            fused=np.zeros((rows, 3 * channels), np.float32),
            mixed=np.zeros((rows, channels), np.float32),
            hidden=np.zeros((rows, hidden), np.float32),
            normalised=np.zeros((workers, _padded(channels)), np.float32),
            ones=np.ones(longest, np.float32),
            scores=np.zeros((workers, longest), np.float32),
            query=np.zeros((workers, _padded(head_size)), np.float32),
            gathered=np.zeros((workers, _padded(head_size) + PADDING), np.float32),
            totals=np.zeros((workers, _TILE), np.float32),
            counter=np.zeros(_CACHE_LINE // 8, np.int64),
        )


def _padded(count: int) -> int:
    return -(-count // PADDING) * PADDING
