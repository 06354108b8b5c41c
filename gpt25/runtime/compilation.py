"""Whether torch.compile can work here."""

import importlib.util
import os
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from gpt25.errors import ConfigurationError

_COMPILERS = ("g++", "clang++", "c++")
_C_COMPILERS = ("gcc", "clang", "cc")
_LOOPS = "loop_ordering_after_fusion"


@dataclass(frozen=True)
class Compilation:
    """Whether torch.compile has what it needs on a device, and one sentence for the user about it."""

    available: bool
    reason: str


def choose_compilation(device: torch.device) -> Compilation:
    """What torch.compile needs and whether it is there: a C++ compiler for processors, Triton for CUDA GPUs."""
    if device.type == "cuda":
        if importlib.util.find_spec("triton") is None:
            return Compilation(False, "Triton is not installed, which torch.compile needs on a CUDA GPU")
        missing = _missing_for_triton()
        if missing is not None:
            return Compilation(False, f"Triton needs {missing}")
        return Compilation(True, "Triton is installed")
    if device.type == "cpu":
        compiler = shutil.which(os.environ.get("CXX", "")) or next(filter(shutil.which, _COMPILERS), None)
        if compiler is None:
            return Compilation(False, f"no C++ compiler was found ({', '.join(_COMPILERS)}, or $CXX)")
        return Compilation(True, "a C++ compiler is there; the first update costs 15 to 30 s, so short runs do without")
    return Compilation(False, f"torch.compile is not used on {device.type}")


def _missing_for_triton() -> str | None:
    """What Triton builds its launchers with and this machine lacks, and the package that has it; None for nothing."""
    if not (shutil.which(os.environ.get("CC", "")) or any(map(shutil.which, _C_COMPILERS))):
        return f"a C compiler ({', '.join(_C_COMPILERS)}, or $CC): on Debian and Ubuntu, apt install gcc"
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        return "Python's headers (Python.h): on Debian and Ubuntu, apt install python3-dev"
    return None


def compile_choices(mode: str, device: torch.device) -> dict[str, Any]:
    """What torch.compile is told for a device beside the shapes, for one of its modes.

    For a GPU, Inductor leaves the order of loops as it is: where it changes it, it joins a layer norm's gradients with
    sums over rows and no longer writes in bfloat16 what the next product reads, which costs two more launches and 12
    bytes a token and channel in every layer (docs/log/training_speed.md).
    """
    if device.type != "cuda":
        return {"mode": mode}
    import torch._inductor

    options = dict(torch._inductor.list_mode_options(mode))
    if _LOOPS in torch._inductor.list_options():  # another torch may have none, and refuses what it does not know
        options[_LOOPS] = False
    return {"options": options}


def allow_compiled_shapes(number_of_shapes: int) -> None:
    """Let torch.compile make code for so many shapes of one function, and raise an error at more.

    By itself torch compiles eight and then runs every other shape uncompiled, without a word. Training and validation
    differ in modes and gradients, so that a shape may be compiled in four ways.
    """
    settings = _dynamo_settings()
    settings.recompile_limit = max(settings.recompile_limit, 4 * number_of_shapes)
    settings.accumulated_recompile_limit = max(settings.accumulated_recompile_limit, 64 * number_of_shapes)
    settings.fail_on_recompile_limit_hit = True


def compile_blocks_whole() -> None:
    """Keep torch from cutting what DistributedDataParallel wraps at its buckets: a block is a graph of its own already.

    Each block would become two graphs otherwise, since one is larger than a bucket.
    """
    _dynamo_settings().optimize_ddp = False


def _dynamo_settings() -> Any:
    import torch._dynamo.config  # takes a second, which whoever does not compile need not wait

    return torch._dynamo.config


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
