"""Where and in which precision a model generates."""

import importlib.util
from dataclasses import dataclass
from typing import Literal

import torch

from gpt25.errors import ConfigurationError
from gpt25.runtime import choose_device, choose_precision

GeneratingPrecisionName = Literal["auto", "float32", "bfloat16", "int8"]


@dataclass(frozen=True)
class GeneratingPrecision:
    """A device, what the weights are there, and why."""

    device: torch.device
    name: Literal["float32", "bfloat16", "int8"]
    load_dtype: torch.dtype
    """How to load the weights; those for int8 are rounded afterwards, by `quantise_int8`."""
    reason: str
    """One sentence for the user."""


def kernels_are_installed() -> bool:
    """Whether the extra `fast` is there."""
    return importlib.util.find_spec("numba") is not None


def choose_generating_precision(device_name: str, name: GeneratingPrecisionName) -> GeneratingPrecision:
    """Choose by the names that a user gives, "auto" among them.

    On a processor "auto" is float32 where the kernels are installed: they read it as fast as memory gives it, and
    exactly; torch's bfloat16 is faster only than torch's float32. Raises ConfigurationError for int8 elsewhere than on
    the processor, and for names that do not exist.
    """
    with_kernels = kernels_are_installed()
    if name == "int8":
        if device_name not in ("auto", "cpu"):
            raise ConfigurationError(
                f"int8 weights are for the processor, and the device is {device_name}; choose --precision bfloat16 "
                "there, or --device cpu."
            )
        rest = "float32" if with_kernels else "bfloat16"
        reason = f"asked for; a scale for every row, and {rest} for all that is no matrix"
        load_dtype = torch.float32 if with_kernels else torch.bfloat16
        return GeneratingPrecision(choose_device("cpu"), "int8", load_dtype, reason)
    device = choose_device(device_name)
    if name == "auto" and device.type == "cpu" and with_kernels:
        reason = "exact, and as fast as memory is read; int8 reads a quarter"
        return GeneratingPrecision(device, "float32", torch.float32, reason)
    precision = choose_precision(device, name)
    return GeneratingPrecision(device, precision.name, precision.dtype, precision.reason)
