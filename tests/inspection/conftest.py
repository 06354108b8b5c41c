"""Small models to look into, and their twins in transformers, which is the oracle."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.model import GPTConfiguration, GPTModel


@pytest.fixture
def make_model() -> Callable[..., GPTModel]:
    """A small model in evaluation mode whose every weight is random and large enough for its heads to differ."""

    def make(*, seed: int = 7, **fields: Any) -> GPTModel:
        shape = {
            "block_size": 12,
            "vocabulary_size": 23,
            "number_of_layers": 3,
            "number_of_heads": 2,
            "number_of_embedding_dimensions": 16,
        } | fields
        generator = torch.Generator().manual_seed(seed)
        model = GPTModel(GPTConfiguration(**shape), generator=generator)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.empty_like(parameter).normal_(0.0, 0.3, generator=generator))
        return model.eval()

    return make


@pytest.fixture
def model(make_model: Callable[..., GPTModel]) -> GPTModel:
    return make_model()


@pytest.fixture
def twin_of(tmp_path: Path) -> Callable[[GPTModel], Any]:
    """The same model in transformers, with its plain attention."""

    def twin(model: GPTModel) -> Any:
        from transformers import GPT2LMHeadModel
        from transformers.utils import logging

        from gpt25.weights import save_pretrained

        logging.disable_progress_bar()
        save_pretrained(model, None, tmp_path / "twin")
        return GPT2LMHeadModel.from_pretrained(tmp_path / "twin", attn_implementation="eager").eval()

    return twin


@pytest.fixture
def planted() -> GPTModel:
    """A model set by hand that continues repeated text: what each head must be is known.

    Channels are four blocks: the token, one-hot (12); the position, one-hot (24); the token before, one-hot (12); and
    24 that stay zero. Layer 0, head 0 looks at the position before and copies its token into the third block; layer 0,
    head 1 looks at the same token earlier, and writes nothing; layer 1, head 0 is an induction head: it looks where the
    token before was its own token, and adds the token there to the first block, which the tied head reads. Layer 1,
    head 1 looks at everything alike. The perceptrons are zero.
    """
    tokens, positions, size, strength = 12, 24, 36, 200.0
    shape = GPTConfiguration(
        block_size=positions,
        vocabulary_size=tokens,
        number_of_layers=2,
        number_of_heads=2,
        number_of_embedding_dimensions=2 * size,
    )
    model = GPTModel(shape).eval()
    place, before = tokens, tokens + positions  # where the second and the third block begin
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if "layer_norm" in name and name.endswith("weight") else 0.0)
        transformer = model.transformer
        transformer.word_token_embeddings.weight[:, :tokens] = torch.eye(tokens)
        transformer.word_positional_embeddings.weight[:, place : place + positions] = torch.eye(positions)

        def rows(layer: int, which: int, head: int) -> torch.Tensor:
            """The rows of query (0), key (1) or value (2) of one head: (head size, channels)."""
            fused = transformer.hidden[layer].attention.query_key_value.weight
            first = which * 2 * size + head * size
            return fused[first : first + size]  # type: ignore[no-any-return]

        copied = transformer.hidden[0].attention.projection.weight  # (channels, heads * head size)
        # Layer 0, head 0: the query of position p is the key of p - 1.
        rows(0, 0, 0)[: positions - 1, place + 1 : place + positions] = strength * torch.eye(positions - 1)
        rows(0, 1, 0)[:positions, place : place + positions] = torch.eye(positions)
        rows(0, 2, 0)[:tokens, :tokens] = torch.eye(tokens)
        copied[before : before + tokens, :tokens] = 0.2 * torch.eye(tokens)
        # Layer 0, head 1: the same token, and not the same position.
        rows(0, 0, 1)[:tokens, :tokens] = strength * torch.eye(tokens)
        rows(0, 0, 1)[tokens : tokens + 24, place : place + positions] = -strength * torch.eye(positions)
        rows(0, 1, 1)[:tokens, :tokens] = torch.eye(tokens)
        rows(0, 1, 1)[tokens : tokens + 24, place : place + positions] = torch.eye(positions)
        # Layer 1, head 0: the query is the token, the key the token before.
        rows(1, 0, 0)[:tokens, :tokens] = strength * torch.eye(tokens)
        rows(1, 1, 0)[:tokens, before : before + tokens] = torch.eye(tokens)
        rows(1, 2, 0)[:tokens, :tokens] = torch.eye(tokens)
        transformer.hidden[1].attention.projection.weight[:tokens, :tokens] = torch.eye(tokens)
    return model
