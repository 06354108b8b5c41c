"""Models, and a run, that are quick to draw."""

from collections.abc import Callable

import pytest
import torch

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer

MakeModel = Callable[..., GPTModel]


@pytest.fixture(scope="session")
def byte_tokenizer() -> Tokenizer:
    """256 bytes and <|endoftext|>."""
    return Tokenizer.train(["any text"], vocabulary_size=257)


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """Make a small random model whose tokens are bytes: make_model(seed=2)."""

    def make(*, seed: int = 1, layers: int = 2, heads: int = 2, vocabulary_size: int = 257) -> GPTModel:
        shape = GPTConfiguration(
            block_size=48,
            vocabulary_size=vocabulary_size,
            number_of_layers=layers,
            number_of_heads=heads,
            number_of_embedding_dimensions=16,
        )
        return GPTModel(shape, generator=torch.Generator().manual_seed(seed))

    return make
