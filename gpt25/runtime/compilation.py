"""Whether torch.compile can work here."""

import importlib.util
import os
import shutil
from dataclasses import dataclass
from typing import Literal

import torch

from gpt25.errors import ConfigurationError

_COMPILERS = ("g++", "clang++", "c++")


@dataclass(frozen=True)
class Compilation:
    """Whether torch.compile has what it needs on a device, and one sentence for people about it."""

    available: bool
    reason: str


def choose_compilation(device: torch.device) -> Compilation:
    """What torch.compile needs and whether it is there: a C++ compiler for processors, Triton for CUDA GPUs."""
    if device.type == "cuda":
        if importlib.util.find_spec("triton") is None:
            return Compilation(False, "Triton is not installed, which torch.compile needs on a CUDA GPU")
        return Compilation(True, "Triton is installed")
    if device.type == "cpu":
        compiler = shutil.which(os.environ.get("CXX", "")) or next(filter(shutil.which, _COMPILERS), None)
        if compiler is None:
            return Compilation(False, f"no C++ compiler was found ({', '.join(_COMPILERS)}, or $CXX)")
        return Compilation(True, "a C++ compiler is there; the first update costs 15 to 30 s, so short runs do without")
    return Compilation(False, f"torch.compile is not used on {device.type}")


def will_compile(device: torch.device, switch: bool | Literal["auto"]) -> bool:
    """Whether to compile: "auto" does on a CUDA GPU that can, where long runs are, and never on a processor.

    Raises ConfigurationError where it is asked for and something is missing.
    """
    found = choose_compilation(device)
    if switch == "auto":
        return device.type == "cuda" and found.available
    if switch and not found.available:
        raise ConfigurationError(f"loop.compile is true, but {found.reason}. Install it, or leave loop.compile auto.")
    return switch
