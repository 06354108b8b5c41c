"""Which device computes."""

import torch

from gpt25.errors import ConfigurationError


def _available() -> list[str]:
    """Every name that `choose_device` takes on this machine, the best first."""
    names = []
    if torch.cuda.is_available():
        names += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes a CUDA GPU before Apple's GPU before the processor.

    Raises ConfigurationError, with what there is, for a device that this machine or this build of torch lacks.
    """
    available = _available()
    if name == "auto":
        return torch.device(available[0])
    if name not in available:
        raise ConfigurationError(
            f"device {name!r} is not available: this machine has {', '.join(available)} "
            f"(torch {torch.__version__}). Choose one of them, or auto."
        )
    return torch.device(name)
