import pytest
import torch

from gpt25.errors import ConfigurationError, WeightsError
from gpt25.model import GPTConfiguration, GPTModel, Int8Linear, KeyValueCache, quantise_int8
from gpt25.weights import save_pretrained

SHAPE = GPTConfiguration(
    block_size=32, vocabulary_size=5000, number_of_layers=2, number_of_heads=4, number_of_embedding_dimensions=128
)


def make_model() -> GPTModel:
    """Random, with biases, and with weights large enough that every layer has a say in the logits."""
    generator = torch.Generator().manual_seed(2)
    model = GPTModel(SHAPE, generator=generator).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.empty_like(parameter).normal_(0.0, 0.05, generator=generator))
    return model


def test_a_product_is_that_of_the_rounded_weights() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(48, 64, generator=generator) * torch.logspace(-3, 1, 48).unsqueeze(1)  # (outputs, inputs)
    weight[7] = 0
    bias = torch.randn(48, generator=generator)
    layer = Int8Linear(weight, bias, behind_gelu=False)
    assert layer.quantised.dtype is torch.int8
    rounded = layer.quantised.double() * layer.scales.double().unsqueeze(1)
    halves = layer.scales.double().unsqueeze(1) * (0.5 + 127 * 2**-8)  # its own rounding, and the scale's at the top
    assert ((rounded - weight.double()).abs() <= halves).all()
    inputs = torch.randn(2, 3, 64, generator=generator).bfloat16()  # (batch, time, inputs)
    expected = inputs.double() @ rounded.t() + bias.double()
    torch.testing.assert_close(layer(inputs).double(), expected, rtol=0.02, atol=0.02)


def test_logits_stay_close_to_those_in_float32() -> None:
    indices = torch.randint(5000, (2, 24), generator=torch.Generator().manual_seed(3))  # (batch, time)
    with torch.no_grad():
        exact = make_model()(indices)
        rough = quantise_int8(make_model())(indices).float()
        rounded = make_model().bfloat16()(indices).float()
    error = (rough - exact).norm() / exact.norm()
    assert error < 0.02
    assert error < 3 * (rounded - exact).norm() / exact.norm(), "far worse than bfloat16"
    divergence = torch.nn.functional.kl_div(
        rough.log_softmax(-1).flatten(0, 1), exact.log_softmax(-1).flatten(0, 1), reduction="batchmean", log_target=True
    )
    assert divergence < 0.002


def test_memory_is_a_quarter() -> None:
    model = make_model()
    before = sum(parameter.nbytes for parameter in model.parameters())
    quantise_int8(model)
    held = {tensor.data_ptr(): tensor.nbytes for tensor in (*model.parameters(), *model.buffers())}
    assert sum(held.values()) < 0.27 * before


def test_cached_is_uncached() -> None:
    model = quantise_int8(make_model())
    assert (model.dtype, model.device.type) == (torch.float32, "cpu")
    indices = torch.arange(20)[None] * 7  # (1, time)
    cache = KeyValueCache(SHAPE, batch_size=1, dtype=model.dtype)
    with torch.inference_mode():
        full = model(indices)
        parts = torch.cat([model(indices[:, :13], cache=cache), model(indices[:, 13:], cache=cache)], dim=1)
    torch.testing.assert_close(parts.float(), full.float(), rtol=0, atol=0.05)


def test_it_is_for_the_processor_and_for_generating_only() -> None:
    with torch.device("meta"):
        elsewhere = GPTModel(SHAPE)
    with pytest.raises(ConfigurationError, match="int8 weights are for the processor, and the model is on meta"):
        quantise_int8(elsewhere)
    with pytest.raises(WeightsError, match="a model with int8 weights cannot be saved; save the one"):
        save_pretrained(quantise_int8(make_model()), None, "never-written")
