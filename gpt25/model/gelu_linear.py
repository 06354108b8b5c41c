"""GELU and the linear layer behind it, which need not remember what lies between them."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gpt25.model.layers import Linear

# From 16 MB in float32 on, remembering costs more than computing GELU again: at 124M and 4 x 1,024 tokens it is 50 MB a
# layer, 0.6 GB in all, against 1 % of an update. Small models keep it; there, GELU is a larger part of the whole.
_FEWEST_NUMBERS_TO_RECOMPUTE = 1 << 22


class _RecomputingGELULinear(torch.autograd.Function):
    """Keeps only what GELU read, and computes what it gave once more for the gradient of the weights."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(hidden, weight)
        ctx.bias_type = bias.dtype
        return functional.linear(gelu(hidden), weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden, weight = ctx.saved_tensors
        # Autocast ran the forward product in the type of `hidden`; autograd runs the backward pass without autocast.
        gradient = gradients[0].to(hidden.dtype)  # (..., outputs)
        flat = gradient.flatten(0, -2)  # (rows, outputs)
        weight_gradient = flat.t() @ gelu(hidden).flatten(0, -2)  # (outputs, inputs)
        towards_gelu = gradient @ weight.to(hidden.dtype)  # (..., inputs)
        hidden_gradient = torch.ops.aten.gelu_backward(towards_gelu, hidden, approximate="tanh")
        return hidden_gradient, weight_gradient.to(weight.dtype), flat.sum(0).to(ctx.bias_type)


def gelu(hidden: Tensor) -> Tensor:
    """GELU in its tanh approximation, of any shape."""
    return functional.gelu(hidden, approximate="tanh")


def gelu_linear(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The linear layer of GELU's tanh approximation: (..., inputs) -> (..., outputs).

    weight: (outputs, inputs). bias: (outputs). The values and the gradients are those of the two operations one after
    the other; where the backward pass would have to keep a large tensor between them, it is computed again instead.
    torch.compile makes this choice by itself, so there the two stay plain.
    """
    large = hidden.numel() >= _FEWEST_NUMBERS_TO_RECOMPUTE
    if large and torch.is_grad_enabled() and not torch.compiler.is_compiling():
        return _RecomputingGELULinear.apply(hidden, weight, bias)
    return functional.linear(gelu(hidden), weight, bias)


class GELULinear(Linear):
    """A linear layer that reads what stands before GELU: (..., inputs) -> (..., outputs)."""

    def forward(self, input: Tensor) -> Tensor:
        """Bend and multiply."""
        return gelu_linear(input, self.weight, self.bias)
