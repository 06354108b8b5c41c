"""The loss on token shards, on exactly as many tokens as were requested, whatever the number of ranks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gpt25.data import TokenShards, Validation
from gpt25.errors import DataError
from gpt25.evaluation.scoring.continuation_scorer import OpenProgress
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.model import GPTModel, evaluating
from gpt25.runtime import Ranks, to_device

_ROWS = {"cpu": 1}
_ROWS_ELSEWHERE = 16
_POSITIONS_AT_ONCE = 1024  # 1,024 × 50,257 float32 are 206 MB of logits


def score_shards(
    model: GPTModel,
    shards: TokenShards,
    *,
    number_of_tokens: int | None,
    ranks: Ranks | None = None,
    rows: int | None = None,
    open_progress: OpenProgress | None = None,
) -> list[Measurement]:
    """`loss`, `perplexity` and, where the length of the text is known, `bits_per_byte`; the items are windows.

    number_of_tokens: None is the whole set; more than there are is refused. The last window is shorter where the
    model's block size does not divide it.
    rows: windows read at once.
    """
    ranks = Ranks() if ranks is None else ranks
    shape = model.configuration
    validation = Validation(shards, shape.block_size, number_of_tokens, vocabulary_size=shape.vocabulary_size)
    device = model.transformer.word_token_embeddings.weight.device
    at_once = rows or _ROWS.get(device.type, _ROWS_ELSEWHERE)
    tail = _tail(shards, validation, number_of_tokens)
    sizes = [validation.block_size] * validation.number_of_windows + [tail] * bool(tail)
    nats = torch.zeros(len(sizes), dtype=torch.float64)  # (windows)
    offset = validation.number_of_windows * ranks.rank // ranks.number_of_ranks  # where this rank's share begins
    own_windows = validation.number_of_windows * (ranks.rank + 1) // ranks.number_of_ranks - offset
    batches: Iterator[tuple[Tensor, Tensor]] = validation.micro_batches(at_once, ranks.rank, ranks.number_of_ranks)
    if tail and ranks.rank == ranks.number_of_ranks - 1:
        batches = chain(batches, [_last_window(shards, validation, tail)])
        own_windows += 1
    opened: AbstractContextManager[Any] = (
        nullcontext() if open_progress is None else open_progress("scoring", own_windows, "windows")
    )
    with evaluating(model), opened as progress:
        for inputs, labels in batches:
            losses = _losses(model, to_device(inputs, device), to_device(labels, device))
            nats[offset : offset + len(losses)] = losses
            offset += len(losses)
            if progress is not None:
                progress.advance(len(losses))
    summed = np.array(ranks.sum(nats.tolist()))  # an all-reduce: every rank filled in its own windows
    return _measurements(summed, np.array(sizes, dtype=np.float64), shards)


def _tail(shards: TokenShards, validation: Validation, number_of_tokens: int | None) -> int:
    """How many tokens are left for a last, shorter window."""
    available = shards.number_of_tokens - 1  # the first one is predicted by nothing
    wanted = available if number_of_tokens is None else number_of_tokens
    if wanted > available:
        raise DataError(
            f"a loss on {wanted:,} tokens was asked for; {shards.paths[0].parent} has {available:,} to predict. Ask "
            "for at most that many."
        )
    return wanted - validation.number_of_tokens


def _last_window(shards: TokenShards, validation: Validation, tail: int) -> tuple[Tensor, Tensor]:
    """The inputs and labels (1, tail) after the full windows."""
    start = validation.number_of_tokens
    tokens = shards.tokens(start, tail + 1)  # (tail + 1)
    shards.require_known_ids(tokens, start=start, vocabulary_size=validation.vocabulary_size)
    both = torch.from_numpy(tokens.astype(np.int64))[None]  # (1, tail + 1)
    return both[:, :-1], both[:, 1:]


def _losses(model: GPTModel, inputs: Tensor, labels: Tensor) -> Tensor:
    """Nats of every row of (rows, time), summed over its tokens: (rows), float64."""
    hidden = model.hidden_states(inputs).flatten(0, 1)  # (rows * time, channels)
    parts = [
        functional.cross_entropy(model.language_modeling_head(some).float(), expected, reduction="none")
        for some, expected in zip(
            hidden.split(_POSITIONS_AT_ONCE), labels.flatten().split(_POSITIONS_AT_ONCE), strict=True
        )
    ]
    return torch.cat(parts).cpu().double().view(labels.shape).sum(dim=1)  # (rows); mps has no float64


def _measurements(nats: np.ndarray, tokens: np.ndarray, shards: TokenShards) -> list[Measurement]:
    """nats, tokens: of every window (windows)."""
    how = (
        f"{tokens.sum():,.0f} tokens from the start of the set, in windows of {tokens[0]:,.0f} that do not overlap"
        + (f", the last of {tokens[-1]:,.0f}" if tokens[-1] != tokens[0] else "")
    )
    measurements = [
        Measurement("loss", f"nats per token; {how}", nats, tokens, "mean", False),
        Measurement("perplexity", f"exp of the loss per token; {how}", nats, tokens, "exponential", False),
    ]
    if shards.number_of_bytes:
        per_token = shards.number_of_bytes / shards.number_of_tokens
        definition = f"bits per UTF-8 byte of the set's text, {per_token:.4f} bytes a token; {how}"
        measurements.append(Measurement("bits_per_byte", definition, nats, tokens * per_token, "bits", False))
    return measurements
