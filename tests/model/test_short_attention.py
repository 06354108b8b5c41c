import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.model.short_attention import causal_attention, suits_short_attention


def heads(time: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    shape = (3, 2, time, 8)
    return [torch.randn(shape, generator=generator).to(dtype).requires_grad_() for _ in range(3)]


@pytest.mark.parametrize("time", [1, 2, 7, 64])
def test_values_and_gradients_are_those_of_torch(time: int) -> None:
    ours, torchs = heads(time), heads(time)
    weights = torch.linspace(-1, 1, 8)
    mixed = causal_attention(*ours)
    expected = scaled_dot_product_attention(*torchs, is_causal=True)
    torch.testing.assert_close(mixed, expected, atol=1e-6, rtol=1e-5)
    (mixed * weights).sum().backward()
    (expected * weights).sum().backward()
    for one, other in zip(ours, torchs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-6, rtol=1e-5)


def test_it_is_for_training_in_bfloat16_on_a_processor_over_short_contexts() -> None:
    (query, _, _) = heads(7, torch.bfloat16)
    assert suits_short_attention(query)
    assert not suits_short_attention(query.float())
    assert not suits_short_attention(heads(257, torch.bfloat16)[0])
    assert not suits_short_attention(query.to("meta"))
    with torch.no_grad():
        assert not suits_short_attention(query)


def test_the_loss_under_autocast_is_the_loss() -> None:
    shape = GPTConfiguration(
        block_size=16,
        vocabulary_size=31,
        number_of_layers=2,
        number_of_heads=2,
        number_of_embedding_dimensions=16,
    )
    model = GPTModel(shape, generator=torch.Generator().manual_seed(1))
    tokens = torch.randint(31, (4, 17), generator=torch.Generator().manual_seed(2))
    _, expected = model(tokens[:, :-1], tokens[:, 1:])
    with torch.autocast("cpu", torch.bfloat16):
        _, loss = model(tokens[:, :-1], tokens[:, 1:])
    assert loss.item() == pytest.approx(expected.item(), abs=0.01)
    exact = torch.autograd.grad(expected, list(model.parameters()))
    rounded = torch.autograd.grad(loss, list(model.parameters()))
    for one, other in zip(exact, rounded, strict=True):
        assert float((one - other).norm()) < 0.05 * float(one.norm()) + 1e-4
