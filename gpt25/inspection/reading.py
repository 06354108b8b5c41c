"""Inputs of a model that is inspected: a batch of texts, or of one, and its embeddings."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.model import GPTModel

Tokens = Sequence[int] | Sequence[Sequence[int]] | Tensor
"""The token ids of one text, or of several that are equally long."""


def batch_of(model: GPTModel, tokens: Tokens) -> Tensor:
    """One text or several as the model reads them, (batch, time) int64; InspectionError where it cannot read them."""
    given: Sequence[Any] = tokens.tolist() if isinstance(tokens, Tensor) else tokens
    rows = given if len(given) and isinstance(given[0], Sequence) else [given]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise InspectionError(
            f"the texts have from {min(lengths):,} to {max(lengths):,} tokens; texts of one batch must be equally long."
        )
    return torch.cat([batch_of_one(model, row) for row in rows])  # (batch, time)


def batch_of_one(model: GPTModel, token_ids: Sequence[int]) -> Tensor:
    """Token ids as the model reads them, (1, time); InspectionError where it cannot read them."""
    shape = model.configuration
    if not 1 <= len(token_ids) <= shape.block_size:
        raise InspectionError(
            f"{len(token_ids):,} token ids were given; this model reads from 1 to {shape.block_size:,} at once."
        )
    wrong = [token_id for token_id in token_ids if not 0 <= token_id < shape.vocabulary_size]
    if wrong:
        raise InspectionError(f"token id {wrong[0]} is not one of this model's, 0 to {shape.vocabulary_size - 1:,}.")
    return torch.tensor([list(token_ids)], device=model.device)  # (1, time)


def embedded(model: GPTModel, indices: Tensor) -> Tensor:
    """The residual stream before the first block: (batch, time) -> (batch, time, channels)."""
    positions = torch.arange(indices.size(1), device=indices.device)  # (time)
    transformer = model.transformer
    return transformer.word_token_embeddings(indices) + transformer.word_positional_embeddings(positions)
