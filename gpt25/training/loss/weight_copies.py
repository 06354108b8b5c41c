"""The blocks' weights in the precision of a run, cast once for all micro-batches of an update."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gpt25.model import GPTModel

Add = Callable[[list[Tensor], list[Tensor]], Sequence[Tensor]]


class _Copies(torch.autograd.Function):
    """Stands for a cast that was made already, and adds gradients of the copies to those of the weights."""

    @staticmethod
    def forward(ctx: Any, copies: Sequence[Tensor], add: Add, *weights: Tensor) -> tuple[Tensor, ...]:
        ctx.weights, ctx.add = weights, add
        return tuple(copy.detach() for copy in copies)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
        begun = [(weight, new) for weight, new in zip(ctx.weights, gradients, strict=True) if weight.grad is not None]
        for weight, gradient in zip(ctx.weights, gradients, strict=True):
            if weight.grad is None:
                weight.grad = gradient.to(weight.dtype)
        if begun:
            sums = ctx.add([weight.grad for weight, _ in begun], [new for _, new in begun])
            for (weight, _), total in zip(begun, sums, strict=True):
                weight.grad = total
        return None, None, *(None for _ in gradients)


def add_in_place(totals: list[Tensor], news: list[Tensor]) -> list[Tensor]:
    """Add each tensor of the second list to its neighbour in the first one, which may have another dtype."""
    torch._foreach_add_(totals, news)
    return totals


@functools.cache
def joined_addition() -> Add:
    """The same, not in place, compiled for a GPU: one launch for lists of two dtypes, of which torch makes many."""
    return torch.compile(torch._foreach_add, dynamic=False)


class WeightCopies:
    """For each block of a model: its linear layers' weights and biases cast, its layer norms' as they are.

    Autocast casts in every micro-batch, forward, and its gradients, backward. The values are the same: gradients of a
    copy have its precision, and are added up in the weight's own, in the same order.
    """

    def __init__(self, model: GPTModel, dtype: torch.dtype, *, add: Add = add_in_place) -> None:
        """add: gives the sums of gradients and their neighbours, some in `dtype`, and may overwrite the former."""
        self._blocks = [_places(block) for block in model.transformer.hidden]
        self._dtype = dtype
        self._add = add

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the layers hold copies of what their weights are now; gradients reach the weights themselves."""
        blocks = [[layer._parameters[name] for layer, name in places] for places in self._blocks]
        try:
            for places, copies in zip(self._blocks, self._cast(blocks), strict=True):
                weights = [layer._parameters[name] for layer, name in places]
                for (layer, name), copy in zip(places, _Copies.apply(copies, self._add, *weights), strict=True):
                    layer._parameters[name] = copy
            yield
        finally:
            for places, weights in zip(self._blocks, blocks, strict=True):
                for (layer, name), weight in zip(places, weights, strict=True):
                    layer._parameters[name] = weight

    @torch.no_grad()
    def _cast(self, blocks: list[list[Any]]) -> list[list[Tensor]]:
        """What each layer holds: all casts in a few launches."""
        found, sources, targets = [], [], []
        for places, weights in zip(self._blocks, blocks, strict=True):
            copies = [weight.detach() for weight in weights]
            for number, (layer, _) in enumerate(places):
                if isinstance(layer, nn.Linear):
                    sources.append(copies[number])
                    copies[number] = torch.empty_like(copies[number], dtype=self._dtype)
                    targets.append(copies[number])
            found.append(copies)
        torch._foreach_copy_(targets, sources)
        return found


def _places(block: nn.Module) -> list[tuple[nn.Module, str]]:
    """Where a block holds its parameters."""
    return [(layer, name) for layer in block.modules() for name, it in layer._parameters.items() if it is not None]
