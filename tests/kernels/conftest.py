import copy

import pytest
import torch

from gpt25.model import GPTConfiguration, GPTModel, quantise_int8


def random_model(**shape: int) -> GPTModel:
    """A model whose predictions are far from even."""
    defaults = {
        "block_size": 64,
        "vocabulary_size": 301,
        "number_of_layers": 2,
        "number_of_heads": 4,
        "number_of_embedding_dimensions": 64,
    }
    model = GPTModel(GPTConfiguration(**{**defaults, **shape}), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2:
                parameter.mul_(6)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.3, generator=torch.Generator().manual_seed(len(name)))
    return model.eval()


@pytest.fixture(scope="session")
def model() -> GPTModel:
    return random_model()


@pytest.fixture(scope="session", params=["float32", "int8"])
def quantised_or_not(request: pytest.FixtureRequest, model: GPTModel) -> GPTModel:
    return model if request.param == "float32" else quantise_int8(copy.deepcopy(model))
