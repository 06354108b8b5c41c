"""Inputs of a model that is inspected: a batch of one, and its embeddings."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.model import GPTModel


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
    device = model.transformer.word_token_embeddings.weight.device
    return torch.tensor([list(token_ids)], device=device)  # (1, time)


def embedded(model: GPTModel, indices: Tensor) -> Tensor:
    """The residual stream before the first block: (batch, time) -> (batch, time, channels)."""
    positions = torch.arange(indices.size(1), device=indices.device)  # (time)
    transformer = model.transformer
    return transformer.word_token_embeddings(indices) + transformer.word_positional_embeddings(positions)
