from collections.abc import Callable

import pytest
import torch

from gpt25.generation import TextGenerator
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def byte_tokenizer() -> Tokenizer:
    """256 bytes and <|endoftext|>: the hardest case for text, since every other character is split over tokens."""
    return Tokenizer.train(["any text"], vocabulary_size=257)


@pytest.fixture(scope="session")
def tiny_model() -> GPTModel:
    """A random model whose predictions are far from even, so that a wrong cache or context changes them."""
    configuration = GPTConfiguration(
        block_size=48, vocabulary_size=257, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=16
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(20)
    return model.eval()


@pytest.fixture
def generator(tiny_model: GPTModel, byte_tokenizer: Tokenizer) -> TextGenerator:
    return TextGenerator(tiny_model, byte_tokenizer)


@pytest.fixture
def write_script() -> Callable[..., GPTModel]:
    """Make a model that writes the given tokens whatever it reads: write_script({3: 65}) puts id 65 after position 3.

    Position p's embedding points along channel p and outweighs the token's; token t's row of the tied head points along
    the channels of the positions that it is to follow.
    """

    def build(tokens: dict[int, int], *, vocabulary_size: int = 257, block_size: int = 64) -> GPTModel:
        configuration = GPTConfiguration(
            block_size=block_size,
            vocabulary_size=vocabulary_size,
            number_of_layers=1,
            number_of_heads=1,
            number_of_embedding_dimensions=block_size,
        )
        model = GPTModel(configuration)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "layer_norm" not in name:
                    parameter.zero_()
            model.transformer.word_positional_embeddings.weight.copy_(1000 * torch.eye(block_size))
            for position, token_id in tokens.items():
                model.transformer.word_token_embeddings.weight[token_id, position] = 10
        return model.eval()

    return build
