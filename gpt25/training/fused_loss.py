"""Cross-entropy of a linear head without ever holding all logits."""

from typing import Any

import torch
from torch import Tensor

# Logits of one slice: 2**23 numbers are 32 MB in float32, about a processor's last-level cache, and still
# 166 rows at 50,257 tokens of vocabulary, enough for the matrix products to run at full rate.
_NUMBERS_PER_SLICE = 1 << 23
_IGNORED = -100


class _FusedLoss(torch.autograd.Function):
    """Computes the gradients together with the loss, slice by slice, so that each slice's logits live only once."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor, needs_gradient: bool) -> Tensor:
        rows_per_slice = max(1, _NUMBERS_PER_SLICE // weight.size(0))
        counted = labels != _IGNORED  # (rows)
        number_counted = counted.sum()
        matrix = weight.to(hidden.dtype)  # (vocabulary, channels)
        total = hidden.new_zeros((), dtype=torch.float32)
        if needs_gradient:
            hidden_gradient = torch.empty_like(hidden)  # (rows, channels)
            weight_gradient = torch.zeros_like(weight, dtype=torch.float32)  # (vocabulary, channels)
        for start in range(0, hidden.size(0), rows_per_slice):
            part = slice(start, start + rows_per_slice)
            targets = labels[part].clamp(min=0).unsqueeze(1)  # (slice, 1)
            keep = counted[part].unsqueeze(1)  # (slice, 1)
            logits = hidden[part] @ matrix.t()  # (slice, vocabulary)
            log_probabilities = torch.log_softmax(logits, dim=-1, dtype=torch.float32)
            total -= (log_probabilities.gather(1, targets) * keep).sum()
            if needs_gradient:
                # d loss / d logits = (probabilities - 1 at the label) / how many labels count
                gradient = log_probabilities.exp_()
                gradient.scatter_add_(1, targets, gradient.new_full((), -1.0).expand_as(targets))
                gradient = gradient.mul_(keep / number_counted.clamp(min=1)).to(hidden.dtype)
                torch.mm(gradient, matrix, out=hidden_gradient[part])
                _add_product(weight_gradient, gradient.t(), hidden[part])
        if needs_gradient:
            ctx.save_for_backward(hidden_gradient, weight_gradient)
            ctx.weight_type = weight.dtype
        return total / number_counted

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        return hidden_gradient * gradients[0], (weight_gradient * gradients[0]).to(ctx.weight_type), None, None


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add left @ right to `total`, in float32: in bfloat16, the sum over dozens of slices would round terms away."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total.add_(left @ right)


def fused_loss(hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats of the logits `hidden @ weightᵀ`: the simple loss in a fraction of its memory.

    hidden: (batch, time, channels), float32 or bfloat16; the products run in its type, the loss in float32.
    weight: (vocabulary, channels), the head's matrix.
    labels: (batch, time), int64; -100 is ignored. Where all are, there is no mean: the loss is NaN and the
        gradients are 0, as torch's are.

    The idea, as in Wijmans et al. 2024, "Cut Your Losses in Large-Vocabulary Language Models": the logits of a slice
    of rows are enough to know both their loss and their gradient, so no slice's logits outlive it.
    """
    needs_gradient = torch.is_grad_enabled() and (hidden.requires_grad or weight.requires_grad)
    return _FusedLoss.apply(hidden.flatten(0, 1), weight, labels.flatten(), needs_gradient)
