"""Small host values to a device without waiting for it."""

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def to_device(values: Sequence[Any] | Tensor, device: torch.device, *, dtype: torch.dtype | None = None) -> Tensor:
    """Values of the host, nested lists or a tensor in main memory, as a tensor on a device.

    To a CUDA GPU they go from pinned memory in the device's own stream, so that the host neither waits for what runs
    there nor for the copy; torch.tensor(values, device=...) waits for both.
    """
    tensor = values if isinstance(values, Tensor) else torch.tensor(values, dtype=dtype)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def kept_on_device(values: Sequence[Any], device: torch.device, *, dtype: torch.dtype) -> Tensor:
    """Numbers that step after step asks for, such as settings, as a tensor that stays on a device, sent there once.

    The tensor is shared: it must not be changed.
    """
    return _kept(tuple(values), device, dtype)


@functools.lru_cache(maxsize=1024)
def _kept(values: tuple[Any, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(mode=False):  # what is made in it cannot be used outside
        return to_device(values, device, dtype=dtype)
