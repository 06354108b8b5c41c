"""GELU and the linear layer behind it, whose activation between them need not be saved for the backward pass."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gpt25.model.layers import Linear

# From 16 MB in float32 on, saving the activation costs more than recomputing GELU: at 124M and 4 x 1,024 tokens it is
# 50 MB a layer, 0.6 GB in all, against 1 % of an update. Small models save it: GELU is a larger part of their time.
_FEWEST_ELEMENTS_TO_RECOMPUTE = 1 << 22


class _RecomputingGELULinear(torch.autograd.Function):
    """Saves GELU's input only, and recomputes its output for the gradient of the weights."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(hidden, weight)
        ctx.bias_dtype = bias.dtype
        return functional.linear(gelu(hidden), weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden, weight = ctx.saved_tensors
        # Autocast ran the forward product in the dtype of `hidden`; autograd runs the backward pass without autocast.
        gradient = gradients[0].to(hidden.dtype)  # (..., outputs)
        flat = gradient.flatten(0, -2)  # (rows, outputs)
        weight_gradient = flat.t() @ gelu(hidden).flatten(0, -2)  # (outputs, inputs)
        activation_gradient = gradient @ weight.to(hidden.dtype)  # (..., inputs)
        hidden_gradient = torch.ops.aten.gelu_backward(activation_gradient, hidden, approximate="tanh")
        return hidden_gradient, weight_gradient.to(weight.dtype), flat.sum(0).to(ctx.bias_dtype)


def gelu(hidden: Tensor) -> Tensor:
    """GELU in its tanh approximation, of any shape."""
    return functional.gelu(hidden, approximate="tanh")


def gelu_linear(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The linear layer of GELU's tanh approximation: (..., inputs) -> (..., outputs).

    weight: (outputs, inputs). bias: (outputs). The values and the gradients are those of the two operations one after
    the other; where the backward pass would have to keep a large tensor between them, it is recomputed instead.
    torch.compile makes this choice by itself, so there the two stay plain.
    """
    large = hidden.numel() >= _FEWEST_ELEMENTS_TO_RECOMPUTE
    if large and torch.is_grad_enabled() and not torch.compiler.is_compiling():
        return _RecomputingGELULinear.apply(hidden, weight, bias)
    return functional.linear(gelu(hidden), weight, bias)


class GELULinear(Linear):
    """A linear layer that applies GELU to its inputs first: (..., inputs) -> (..., outputs)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply GELU and multiply."""
        return gelu_linear(input, self.weight, self.bias)
