"""In which dtype the heavy matrix products run."""

import contextlib
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gpt25.errors import ConfigurationError
from gpt25.runtime.processor import processor_instructions

if TYPE_CHECKING:
    import torch

PrecisionName = Literal["float32", "bfloat16"]
_FAST_INSTRUCTIONS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}
_FIRST_CAPABILITY_WITH_BFLOAT16 = (8, 0)  # Ampere


@dataclass(frozen=True)
class Precision:
    """A dtype for matrix products; parameters and the optimizer stay in float32."""

    name: PrecisionName
    dtype: "torch.dtype"
    reason: str
    """One sentence for the user: why this one."""

    def autocast(self, device: "torch.device") -> contextlib.AbstractContextManager[object]:
        """A context in which torch computes matrix products in this dtype; a null context for float32."""
        if self.name == "float32":
            return contextlib.nullcontext()
        import torch

        return torch.autocast(device.type, dtype=self.dtype)


def _processor_bfloat16_support() -> tuple[bool, str]:
    """Whether the processor multiplies bfloat16 faster than float32, and the sentence about it."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        # ARM's bfloat16 matrix instructions help only where torch was built to use them, which cannot be asked.
        return False, f"float32 is the safe choice on a {platform.machine()} processor"
    for instruction, spelled in _FAST_INSTRUCTIONS.items():
        if instruction in processor_instructions():
            return True, f"the processor has {spelled}, which multiplies bfloat16 faster than float32"
    return False, "the processor has neither AMX nor AVX512-BF16, so that bfloat16 would be slower than float32"


def _bfloat16_support(device: "torch.device") -> tuple[bool, str]:
    """Whether bfloat16 is fast on `device`, and why."""
    if device.type == "cpu":
        return _processor_bfloat16_support()
    if device.type == "cuda":
        import torch

        capability = torch.cuda.get_device_capability(device)
        name = torch.cuda.get_device_name(device)
        if capability >= _FIRST_CAPABILITY_WITH_BFLOAT16:
            return True, f"{name} (compute capability {capability[0]}.{capability[1]}) has fast bfloat16"
        return False, f"{name} (compute capability {capability[0]}.{capability[1]}, below 8.0) has no fast bfloat16"
    return False, f"float32 is the safe choice on {device.type}"


def choose_precision(device: "torch.device", name: str = "auto") -> Precision:
    """The precision of that name; "auto" takes bfloat16 where the device is fast at it, float32 elsewhere.

    A slow choice is allowed, and its reason says that it is slow. Raises ConfigurationError for any other name.
    """
    import torch

    chosen, reason = _chosen(name, *_bfloat16_support(device))
    return Precision(chosen, getattr(torch, chosen), reason)


def processor_precision(name: str = "auto") -> tuple[PrecisionName, str]:
    """What `choose_precision` chooses on the processor, and its reason, for those who do without torch."""
    return _chosen(name, *_processor_bfloat16_support())


def _chosen(name: str, fast: bool, why: str) -> tuple[PrecisionName, str]:
    """The precision of that name and the reason for it, by whether bfloat16 is fast, and why."""
    if name == "auto":
        return "bfloat16" if fast else "float32", why
    if name == "float32":
        return "float32", f"asked for, although {why}" if fast else "asked for"
    if name == "bfloat16":
        return "bfloat16", "asked for" if fast else f"asked for, although {why}"
    raise ConfigurationError(f"precision {name!r} is unknown: choose auto, float32 or bfloat16")
