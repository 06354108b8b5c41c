"""The loss on token shards, on exactly as many tokens as were asked for, whatever the number of ranks."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from gpt25.data import TokenShards, Validation
from gpt25.evaluation.continuation_scorer import OpenProgress
from gpt25.evaluation.measurement import Measurement
from gpt25.model import GPTModel, evaluating
from gpt25.runtime import Ranks

if TYPE_CHECKING:
    from torch import Tensor

PUBLISHED_TOKENS = 10_485_760
"""On so many tokens the published losses are measured: 20 × 524,288 (llm.c, build-nanogpt, modded-nanogpt)."""

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
    """`loss`, `perplexity` and, where the length of the text is known, `bits_per_byte`; the units are windows.

    number_of_tokens: None is the whole set, in whole windows of the model's block size; more than there are is refused.
    rows: windows read at once.
    """
    ranks = Ranks() if ranks is None else ranks
    shape = model.configuration
    validation = Validation(shards, shape.block_size, number_of_tokens, vocabulary_size=shape.vocabulary_size)
    device = model.transformer.word_token_embeddings.weight.device
    at_once = rows or _ROWS.get(device.type, _ROWS_ELSEWHERE)
    nats = torch.zeros(validation.number_of_windows, dtype=torch.float64)  # (windows)
    place = validation.number_of_windows * ranks.rank // ranks.number_of_ranks  # where this rank's share begins
    mine = validation.number_of_windows * (ranks.rank + 1) // ranks.number_of_ranks - place
    opened: AbstractContextManager[Any] = (
        nullcontext() if open_progress is None else open_progress("scoring", mine, "windows")
    )
    with evaluating(model), opened as progress:
        for inputs, labels in validation.micro_batches(at_once, ranks.rank, ranks.number_of_ranks):
            found = _losses(model, inputs.to(device), labels.to(device))
            nats[place : place + len(found)] = found
            place += len(found)
            if progress is not None:
                progress.advance(len(found))
    summed = np.array(ranks.sum(nats.tolist()))  # every rank laid its own windows into zeros
    return _measurements(summed, validation, shards)


def _losses(model: GPTModel, inputs: "Tensor", labels: "Tensor") -> "Tensor":
    """Nats of every row of (rows, time), summed over its tokens: (rows), float64."""
    hidden = model.hidden_states(inputs).flatten(0, 1)  # (rows * time, channels)
    parts = [
        functional.cross_entropy(model.language_modeling_head(some).float(), expected, reduction="none")
        for some, expected in zip(
            hidden.split(_POSITIONS_AT_ONCE), labels.flatten().split(_POSITIONS_AT_ONCE), strict=True
        )
    ]
    return torch.cat(parts).cpu().double().view(labels.shape).sum(dim=1)  # (rows); mps has no float64


def _measurements(nats: np.ndarray, validation: Validation, shards: TokenShards) -> list[Measurement]:
    tokens = np.full(len(nats), float(validation.block_size))
    how = (
        f"{validation.number_of_tokens:,} tokens from the start of the set, in windows of {validation.block_size:,} "
        "that do not overlap"
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
