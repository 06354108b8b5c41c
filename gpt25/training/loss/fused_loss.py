"""Cross-entropy of a linear head without ever holding all logits."""

from typing import Any

import torch
from torch import Tensor

# On a processor, logits of one slice: 2**22 elements are 16 MB in float32, which stay in its last-level cache, but at
# least 256 rows: measured at 50,257 tokens of vocabulary, the products of 166 rows run at half the rate.
_ELEMENTS_PER_SLICE = 1 << 22
_FEWEST_ROWS_PER_SLICE = 256
_ROWS_PER_SLICE_ON_A_GPU = 8192  # 1.6 GB in float32 at that vocabulary; short slices leave a GPU idle
_IGNORE_INDEX = -100


class _FusedLoss(torch.autograd.Function):
    """Computes the gradients together with the loss, slice by slice, so that each slice's logits live only once."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor, needs_gradient: bool) -> Tensor:
        rows_per_slice = _rows_per_slice(weight.size(0), weight.device)
        counted = labels != _IGNORE_INDEX  # (rows)
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
            logits = (hidden[part] @ matrix.t()).float()  # (slice, vocabulary)
            label_logits, largest = logits.gather(1, targets), logits.amax(1, keepdim=True)  # (slice, 1) each
            exponentials = logits.sub_(largest).exp_()  # (slice, vocabulary), in the same memory
            sums = exponentials.sum(1, keepdim=True)  # (slice, 1)
            total += ((sums.log() + largest - label_logits) * keep).sum()
            if needs_gradient:
                # d loss / d logits = (probabilities - 1 at the label) / how many labels count, and the probabilities
                # are exponentials / sums. What divides a whole row is cheaper to divide out of its few channels.
                gradient = exponentials.scatter_add_(1, targets, -sums).to(hidden.dtype)
                scale = keep / (sums * number_counted.clamp(min=1))  # (slice, 1)
                torch.mm(gradient, matrix, out=hidden_gradient[part])
                hidden_gradient[part] *= scale
                _add_product(weight_gradient, gradient.t(), (hidden[part] * scale).to(hidden.dtype))
        if needs_gradient:
            ctx.save_for_backward(hidden_gradient, weight_gradient)
            ctx.weight_dtype = weight.dtype
        return total / number_counted

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        return hidden_gradient * gradients[0], weight_gradient.mul_(gradients[0]).to(ctx.weight_dtype), None, None


def _rows_per_slice(vocabulary_size: int, device: torch.device) -> int:
    """How many rows of logits live at a time."""
    if device.type != "cpu":
        return _ROWS_PER_SLICE_ON_A_GPU
    return max(_FEWEST_ROWS_PER_SLICE, _ELEMENTS_PER_SLICE // vocabulary_size)


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add left @ right to `total`, in float32: in bfloat16, the sum over dozens of slices would round terms away."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total.add_(left @ right)


def fused_loss(hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats of the logits `hidden @ weightᵀ`: the simple loss in a fraction of its memory.

    hidden: (batch, time, channels), float32 or bfloat16; the products run in its dtype, the loss in float32.
    weight: (vocabulary, channels), the head's matrix.
    labels: (batch, time), int64; -100 is ignored. Where all are, there is no mean: the loss is NaN and the
        gradients are 0, as torch's are.

    The idea, as in Wijmans et al. 2024, "Cut Your Losses in Large-Vocabulary Language Models": the logits of a slice
    of rows are enough to know both their loss and their gradient, so no slice's logits outlive it.
    """
    needs_gradient = torch.is_grad_enabled() and (hidden.requires_grad or weight.requires_grad)
    return _FusedLoss.apply(hidden.flatten(0, 1), weight, labels.flatten(), needs_gradient)
