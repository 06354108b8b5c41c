"""Samples that take their steps together."""

import contextlib
import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gpt25.generation.piece import Piece
from gpt25.generation.running_sample import RunningSample
from gpt25.generation.sample_next import draw_next, require_drawn
from gpt25.model import GPTModel, KeyValueCache
from gpt25.runtime import to_device


class Prefill:
    """One prompt, read once: its keys and values, and the logits of what follows it."""

    @torch.inference_mode()
    def __init__(self, model: GPTModel, prompt_ids: list[int], *, capacity: int) -> None:
        """Read the prompt's ids (time); `capacity` is how many positions any continuation may come to hold."""
        self.cache = KeyValueCache(
            model.configuration, batch_size=1, capacity=capacity, device=model.device, dtype=model.dtype
        )
        self.logits = _last_logits(model, to_device([prompt_ids], model.device), self.cache)  # (1, vocabulary)


class RunningBatch:
    """Continues one prompt in several rows; a row whose sample has ended leaves the batch and its cache.

    A step draws one token for every row. What a row draws depends on its own sample only, up to the rounding with
    which a matrix product of another height computes the same logits.
    """

    def __init__(
        self, model: GPTModel, samples: list[RunningSample], *, prefill: Prefill, vocabulary_size: int
    ) -> None:
        """Start `samples` behind the same `prefill`; ids from `vocabulary_size` on (padding) are never drawn."""
        self._model = model
        self._vocabulary_size = vocabulary_size
        self._samples = samples
        self._logits = prefill.logits.expand(len(samples), -1)  # (rows, vocabulary)
        self._drawn: Tensor | None = None  # (rows), the tokens that the model has not read yet
        self._cache = copy.copy(prefill.cache)  # keep_rows gives the copy storage of its own
        with torch.inference_mode():
            self._cache.keep_rows(self._repeat_single_row([0] * len(samples)))

    @property
    def is_finished(self) -> bool:
        """Whether every sample has ended."""
        return not self._samples

    @torch.inference_mode()
    def step(self) -> list[Piece]:
        """Draw the next token of every row and return what can be shown of it."""
        if self._drawn is not None:
            logits = _last_logits(self._model, self._drawn.unsqueeze(-1), self._cache)
            self._logits = logits[: len(self._samples)]  # (rows, vocabulary)
        drawn = draw_next(
            self._logits[:, : self._vocabulary_size],
            settings=[sample.settings for sample in self._samples],
            histories=[sample.history for sample in self._samples],
            uniforms=[sample.next_uniform() for sample in self._samples],
        )  # (rows)
        token_ids = drawn.tolist()  # the one time in a step that the host waits for a GPU
        require_drawn(token_ids)
        pieces = [sample.accept(token_id) for sample, token_id in zip(self._samples, token_ids, strict=True)]
        self._drawn = self._without_finished(drawn)
        return [piece for piece in pieces if piece is not None]

    def _without_finished(self, drawn: Tensor) -> Tensor:
        """Let rows whose sample has ended leave; return the drawn ids (rows) of those that go on."""
        going_on = [row for row, sample in enumerate(self._samples) if sample.finish_reason is None]
        kept = self._repeat_single_row(going_on)
        if len(going_on) < len(self._samples):
            self._samples = [self._samples[row] for row in going_on]
            if going_on:
                self._cache.keep_rows(kept)
        return drawn[kept]

    def _repeat_single_row(self, rows: list[int]) -> list[int]:
        """The same rows, a single one twice where the processor reads bfloat16: it then rounds as beside others.

        Torch multiplies a single row in another order, and no faster than two.
        """
        matrix = self._model.language_modeling_head
        rounds_alone = isinstance(matrix, nn.Linear) and matrix.weight.dtype == torch.bfloat16
        alone = len(rows) == 1 and rounds_alone and matrix.weight.device.type == "cpu"
        return rows * 2 if alone else rows


def _last_logits(model: GPTModel, indices: Tensor, cache: KeyValueCache) -> Tensor:
    """Logits (rows, vocabulary) after the last of `indices` (rows, time); the head reads that position only."""
    with _without_dropout(model):
        last = model.hidden_states(indices, cache=cache)[:, -1]  # (rows, channels)
        return model.language_modeling_head(last)


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
