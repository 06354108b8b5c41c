"""A model whose tokens are single bytes, with positions enough for a text that can be interrupted."""

from pathlib import Path

import pytest
import torch

from gpt25.generation import TextGenerator
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained


def make_model(*, block_size: int) -> GPTModel:
    shape = {"vocabulary_size": 257, "number_of_layers": 1, "number_of_heads": 2, "number_of_embedding_dimensions": 16}
    return GPTModel(GPTConfiguration(block_size=block_size, **shape), generator=torch.Generator().manual_seed(1)).eval()


@pytest.fixture(scope="session")
def bytes_tokenizer() -> Tokenizer:
    return Tokenizer.train(["any text"], vocabulary_size=257)


@pytest.fixture(scope="session")
def generator(bytes_tokenizer: Tokenizer) -> TextGenerator:
    """A block of 64 tokens, which are 64 bytes."""
    return TextGenerator(make_model(block_size=64), bytes_tokenizer)


@pytest.fixture
def model_directory(bytes_tokenizer: Tokenizer, tmp_path: Path) -> Path:
    """A block of 8,192 tokens: seconds of writing."""
    save_pretrained(make_model(block_size=8192), bytes_tokenizer, tmp_path / "tiny")
    return tmp_path / "tiny"
