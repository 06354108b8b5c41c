"""Undo what was done to tensors, where a flag on the device says so."""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


@contextlib.contextmanager
def rollback_if(skip: Tensor | None, tensors: Sequence[Tensor]) -> Iterator[None]:
    """Give the tensors their old values back after the block if `skip`, a bool () on their device, is true.

    The host never learns which way it went, and so need not wait. Costs a copy of the tensors meanwhile; None costs and
    undoes nothing.
    """
    if skip is None:
        yield
        return
    before = [tensor.detach().clone() for tensor in tensors]
    yield
    with torch.no_grad():
        for tensor, old in zip(tensors, before, strict=True):
            tensor.copy_(torch.where(skip, old, tensor))  # by values: NaN times 0 is no 0
