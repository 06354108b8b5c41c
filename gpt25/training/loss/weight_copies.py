"""The blocks' weights in the precision of a run, cast once for all micro-batches of an update."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gpt25.model import GPTModel

Add = Callable[[list[Tensor], list[Tensor]], Sequence[Tensor]]


def add_in_place(totals: list[Tensor], news: list[Tensor]) -> list[Tensor]:
    """Add each tensor of the second list to its neighbour in the first one, which may have another dtype."""
    torch._foreach_add_(totals, news)
    return totals


@functools.cache
def joined_addition() -> Add:
    """The same, not in place, compiled for a GPU: one launch for lists of two dtypes, of which torch makes many."""
    return torch.compile(torch._foreach_add, dynamic=False)


class _Block:
    """The weights of one block and their copies, whose gradients are added to the weights' own once all are there."""

    def __init__(self, weights: Sequence[Tensor], copies: Sequence[Tensor], add: Add) -> None:
        self._pairs: list[tuple[Any, Tensor]] = list(zip(weights, copies, strict=True))
        self._add = add
        self._there = 0
        self._handles = [copy.register_post_accumulate_grad_hook(self._count) for copy in copies]

    def _count(self, copy: Tensor) -> None:
        self._there += 1
        if self._there == len(self._pairs):
            self._there = 0
            self._add_up()

    @torch.no_grad()
    def _add_up(self) -> None:
        new = [(weight, copy.grad) for weight, copy in self._pairs if copy.grad is not None]
        begun = [(weight, gradient) for weight, gradient in new if weight.grad is not None]
        for weight, gradient in new:
            if weight.grad is None:
                weight.grad = gradient.to(weight.dtype)
        if begun:
            sums = self._add([weight.grad for weight, _ in begun], [gradient for _, gradient in begun])
            for (weight, _), total in zip(begun, sums, strict=True):
                weight.grad = total
        for _, copy in self._pairs:
            copy.grad = None

    def release(self) -> None:
        """Let go of the copies, which know this object by their hooks."""
        for handle in self._handles:
            handle.remove()
        self._pairs.clear()


class WeightCopies:
    """For each block of a model: its linear layers' weights and biases cast, its layer norms' as they are.

    Autocast casts in every micro-batch, forward, and its gradients, backward. The values are the same: gradients of a
    copy have its precision, and are added up in the weight's own, in the same order.
    """

    def __init__(self, model: GPTModel, dtype: torch.dtype, *, add: Add = add_in_place) -> None:
        """add: gives the sums of gradients and their neighbours, some in `dtype`, and may overwrite the former."""
        self._places = [_places(block) for block in model.transformer.hidden]
        self._dtype = dtype
        self._add = add

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the layers hold copies of what their weights are now; gradients reach the weights themselves."""
        originals: list[list[Any]] = [[layer._parameters[name] for layer, name in places] for places in self._places]
        blocks: list[_Block] = []
        try:
            for places, weights, copies in zip(self._places, originals, self._cast(originals), strict=True):
                blocks.append(_Block(weights, copies, self._add))
                for (layer, name), copy in zip(places, copies, strict=True):
                    layer._parameters[name] = copy  # type: ignore[assignment]  # torch itself asks for no Parameter
            yield
        finally:
            for block in blocks:
                block.release()
            for places, weights in zip(self._places, originals, strict=True):
                for (layer, name), weight in zip(places, weights, strict=True):
                    layer._parameters[name] = weight

    @torch.no_grad()
    def _cast(self, originals: list[list[Any]]) -> list[list[Tensor]]:
        """What each layer holds: all casts in a few launches."""
        found, sources, targets = [], [], []
        for places, weights in zip(self._places, originals, strict=True):
            copies = [weight.detach() for weight in weights]
            for number, (layer, _) in enumerate(places):
                if isinstance(layer, nn.Linear):
                    sources.append(copies[number])
                    copies[number] = torch.empty_like(copies[number], dtype=self._dtype)
                    targets.append(copies[number])
            found.append([copy.requires_grad_() for copy in copies])
        torch._foreach_copy_(targets, sources)
        return found


def _places(block: nn.Module) -> list[tuple[nn.Module, str]]:
    """Where a block holds its parameters."""
    return [(layer, name) for layer in block.modules() for name, it in layer._parameters.items() if it is not None]
