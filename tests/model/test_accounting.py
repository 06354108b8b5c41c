import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gpt25.model import PUBLISHED_CONFIGURATIONS, Accounting, GPTConfiguration, GPTModel, KeyValueCache

PUBLISHED_PARAMETERS = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
}


@pytest.mark.parametrize("name", PUBLISHED_PARAMETERS)
def test_published_sizes_by_arithmetic_and_by_construction(name: str) -> None:
    configuration = PUBLISHED_CONFIGURATIONS[name]
    with torch.device("meta"):
        model = GPTModel(configuration)
    assert Accounting(configuration).parameters == PUBLISHED_PARAMETERS[name]
    assert sum(parameter.numel() for parameter in model.parameters()) == PUBLISHED_PARAMETERS[name]


def test_every_published_size_is_counted() -> None:
    assert PUBLISHED_CONFIGURATIONS.keys() == PUBLISHED_PARAMETERS.keys()


SMALL = GPTConfiguration(
    block_size=16, vocabulary_size=40, number_of_layers=3, number_of_heads=2, number_of_embedding_dimensions=24
)


def test_parts_add_up_to_the_parameters_of_a_model_with_memory() -> None:
    accounting = Accounting(SMALL)
    model = GPTModel(SMALL)
    block = sum(parameter.numel() for parameter in model.transformer.hidden[0].parameters())
    assert accounting.parameters_of_one_block == block
    assert accounting.embedding_parameters == (40 + 16) * 24
    assert accounting.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert accounting.weight_bytes() == 4 * accounting.parameters
    assert accounting.weight_bytes(2) == 2 * accounting.parameters


@pytest.mark.parametrize("passes", ["forward", "training"])
def test_operations_are_those_that_torch_counts(passes: str) -> None:
    """Torch counts the whole square of attention scores, the accounting their causal half."""
    model = GPTModel(SMALL)
    indices = torch.zeros(1, SMALL.block_size, dtype=torch.int64)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        _, loss = model(indices, indices.clone())
        if passes == "training":
            loss.backward()
    accounting = Accounting(SMALL)
    causal_half = 2 * 2 * 24 * (16 // 2) * 3  # scores and mixing, channels, positions seen, layers
    expected = accounting.forward_operations_per_token + causal_half
    if passes == "training":
        expected = accounting.training_operations_per_token + 3 * causal_half
    assert counter.get_total_flops() == expected * SMALL.block_size


def test_cache_bytes_are_those_of_a_cache() -> None:
    cache = KeyValueCache(SMALL, batch_size=5, capacity=7, dtype=torch.bfloat16)
    held = sum(tensor.nbytes for tensor in vars(cache).values() if isinstance(tensor, torch.Tensor))
    assert Accounting(SMALL).cache_bytes(batch_size=5, positions=7, bytes_per_element=2) == held
    assert Accounting(SMALL).cache_elements_per_token == 2 * 3 * 24
