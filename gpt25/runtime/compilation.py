"""Whether torch.compile can work here."""

import importlib.util
import os
import shutil
from dataclasses import dataclass

import torch

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
