"""GELU and the linear layer behind it: the same values whether GELU's output is saved or recomputed."""

import sys

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gpt25.model.gelu_linear import gelu_linear

module = sys.modules["gpt25.model.gelu_linear"]
INPUTS, OUTPUTS = 24, 6


def tensors() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = ((2, 5, INPUTS), (OUTPUTS, INPUTS), (OUTPUTS,))
    hidden, weight, bias = (torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes)
    return hidden, weight, bias


def outputs_and_gradients(bfloat16: bool) -> list[Tensor]:
    hidden, weight, bias = tensors()
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        before = hidden.bfloat16() if bfloat16 else hidden  # what a linear layer hands over under autocast
        outputs = gelu_linear(before, weight, bias)
    outputs.float().square().sum().backward()
    assert all(tensor.grad is not None for tensor in (hidden, weight, bias))
    return [outputs, *(tensor.grad for tensor in (hidden, weight, bias) if tensor.grad is not None)]


@pytest.mark.parametrize("bfloat16", [False, True])
def test_recomputing_changes_no_value_and_no_gradient(bfloat16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = outputs_and_gradients(bfloat16)
    monkeypatch.setattr(module, "_FEWEST_ELEMENTS_TO_RECOMPUTE", 1)
    recomputed = outputs_and_gradients(bfloat16)
    for one, other in zip(remembered, recomputed, strict=True):
        assert one.dtype is other.dtype
        torch.testing.assert_close(one, other, rtol=2e-2 if bfloat16 else 1e-6, atol=1e-1 if bfloat16 else 1e-6)


def saved_numbers(monkeypatch: pytest.MonkeyPatch, threshold: int) -> int:
    monkeypatch.setattr(module, "_FEWEST_ELEMENTS_TO_RECOMPUTE", threshold)
    hidden, weight, bias = tensors()
    saved: dict[int, int] = {}

    def remember(tensor: Tensor) -> Tensor:
        saved[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        gelu_linear(hidden, weight, bias)
    return sum(saved.values())


def test_recomputing_remembers_what_gelu_read_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, weight, _ = tensors()
    assert saved_numbers(monkeypatch, threshold=1) == hidden.numel() + weight.numel()
    assert saved_numbers(monkeypatch, threshold=1 << 22) == 2 * hidden.numel() + weight.numel()


def test_has_the_derivative_that_differences_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEWEST_ELEMENTS_TO_RECOMPUTE", 1)
    doubles = [tensor.detach().double().requires_grad_() for tensor in tensors()]
    assert torch.autograd.gradcheck(gelu_linear, doubles)


def test_is_the_linear_layer_of_gelu() -> None:
    hidden, weight, bias = tensors()
    expected = functional.linear(functional.gelu(hidden, approximate="tanh"), weight, bias)
    assert torch.equal(gelu_linear(hidden, weight, bias), expected)
