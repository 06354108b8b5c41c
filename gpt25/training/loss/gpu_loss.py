"""Cross-entropy of a linear head in the fewest passes over its logits, which torch.compile makes for a GPU."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# Matrix products of bfloat16 run at full rate where a row begins at a multiple of 16 bytes, which 50,257 columns break;
# NVIDIA's guide to matrix multiplication asks for 64 elements on an A100 and recommends 128. 50,304 = 393 x 128.
VOCABULARY_MULTIPLE = 128
_ROWS_PER_SLICE = 8192  # 0.8 GB of logits in bfloat16 at GPT-2's vocabulary; short slices leave a GPU idle
_IGNORE_INDEX = -100


def _log_sum_exp(real: Tensor) -> Tensor:
    """The logarithm of the sum of exponentials of every row: (slice, vocabulary) -> (slice, 1).

    Spelled out, Inductor recognises its online softmax, which finds maximum and sum in one pass over the logits; of
    torch's own logsumexp it makes two.
    """
    largest = real.amax(1, keepdim=True)  # (slice, 1)
    return (real - largest).exp().sum(1, keepdim=True).log() + largest


def _slice_loss(logits: Tensor, targets: Tensor, keep: Tensor, *, vocabulary_size: int) -> Tensor:
    """The summed loss of some rows; logits (slice, columns), of which those beyond the vocabulary do not exist."""
    real = logits[:, :vocabulary_size].float()  # (slice, vocabulary)
    logarithms = _log_sum_exp(real)  # (slice, 1)
    return ((logarithms - real.gather(1, targets)) * keep).sum()


def _slice_loss_and_gradient(
    logits: Tensor, targets: Tensor, keep: Tensor, scale: Tensor, *, vocabulary_size: int
) -> tuple[Tensor, Tensor]:
    """The same, and `scale` times its gradient by the logits, 0 beyond the vocabulary: (slice, columns)."""
    real = logits[:, :vocabulary_size].float()  # (slice, vocabulary)
    logarithms = _log_sum_exp(real)  # (slice, 1)
    loss = ((logarithms - real.gather(1, targets)) * keep).sum()
    at_label = torch.arange(vocabulary_size, device=logits.device) == targets  # (slice, vocabulary)
    gradient = ((real - logarithms).exp() - at_label.float()) * (scale * keep)
    padding = logits.size(1) - vocabulary_size
    return loss, functional.pad(gradient.to(logits.dtype), (0, padding))


@functools.cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(function, dynamic=False)


class _GPULoss(torch.autograd.Function):
    """Computes the gradients together with the loss, slice by slice, as the fused loss does."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        labels: Tensor,
        padded: bool,
        compiled: bool,
        needs_gradient: bool,
        parts: int | None,
    ) -> Tensor:
        choose = _compiled if compiled else (lambda function: function)
        vocabulary_size = weight.size(0)
        counted = (labels != _IGNORE_INDEX).unsqueeze(1)  # (rows, 1)
        number_counted = counted.sum()
        scale = 1 / (number_counted.clamp(min=1) * (parts or 1)).float()
        matrix = _padded(weight, hidden.dtype) if padded else weight.to(hidden.dtype)  # (columns, channels)
        total = hidden.new_zeros((), dtype=torch.float32)
        weight_gradient: Tensor | None = None
        if needs_gradient:
            hidden_gradient = torch.empty_like(hidden)  # (rows, channels)
        for start in range(0, hidden.size(0), _ROWS_PER_SLICE):
            part = slice(start, start + _ROWS_PER_SLICE)
            targets = labels[part].clamp(min=0).unsqueeze(1)  # (slice, 1)
            logits = hidden[part] @ matrix.t()  # (slice, columns)
            if not needs_gradient:
                total += choose(_slice_loss)(logits, targets, counted[part], vocabulary_size=vocabulary_size)
                continue
            loss, gradient = choose(_slice_loss_and_gradient)(
                logits, targets, counted[part], scale, vocabulary_size=vocabulary_size
            )
            total += loss
            torch.mm(gradient, matrix, out=hidden_gradient[part])
            product = gradient.t() @ hidden[part]  # (columns, channels)
            weight_gradient = product.float() if weight_gradient is None else weight_gradient.add_(product)
        if weight_gradient is not None:
            ctx.save_for_backward(hidden_gradient, weight_gradient[:vocabulary_size])
            ctx.weight_dtype, ctx.begins_here = weight.dtype, parts is not None
        return total / (number_counted * (parts or 1))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        if not ctx.begins_here:
            hidden_gradient, weight_gradient = hidden_gradient * gradients[0], weight_gradient.mul_(gradients[0])
        return hidden_gradient, weight_gradient.to(ctx.weight_dtype), None, None, None, None, None


def _padded(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy with rows of zeros below, up to a multiple of 128: (vocabulary, channels) -> (columns, channels)."""
    columns = -(-weight.size(0) // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
    matrix = weight.new_zeros((columns, weight.size(1)), dtype=dtype)
    matrix[: weight.size(0)] = weight
    return matrix


def gpu_loss(
    hidden: Tensor,
    weight: Tensor,
    labels: Tensor,
    *,
    padded_vocabulary: bool = True,
    compiled: bool = False,
    parts: int | None = None,
) -> Tensor:
    """Mean cross-entropy in nats of the logits `hidden @ weightᵀ`: what `fused_loss` computes, laid out for a GPU.

    hidden: (batch, time, channels), float32 or bfloat16; the products run in its dtype, the loss in float32.
    weight: (vocabulary, channels), the head's matrix; -100 among the labels (batch, time) is ignored.
    padded_vocabulary: multiply by a copy of the head with zero rows below, so that every row of logits begins at an
        aligned address. Their logits are cut off before anything is computed from them, and the weights, their
        gradients and whatever is saved have GPT-2's own shape. The copy costs nothing more: autocast makes one anyway.
    compiled: let torch.compile join what lies between the products, which leaves two passes over bfloat16 logits where
        `fused_loss` needs eight over float32 ones.
    parts: divide the loss by the micro-batches of an update, and let the backward pass begin at it, whose gradients are
        then ready; None gives the mean itself, for whatever is computed from it.
    """
    needs_gradient = torch.is_grad_enabled() and (hidden.requires_grad or weight.requires_grad)
    return _GPULoss.apply(
        hidden.flatten(0, 1), weight, labels.flatten(), padded_vocabulary, compiled, needs_gradient, parts
    )
