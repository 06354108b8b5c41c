"""The machine in one dictionary, for a run's environment.json and for `gpt25 doctor`."""

import platform
from typing import Any

import torch

from gpt25.runtime.memory import total_memory_bytes
from gpt25.runtime.processor import number_of_cores, processor_name
from gpt25.version import __version__


def describe_machine() -> dict[str, Any]:
    """What a measurement must be read with: versions, processor, cores, memory and GPUs. No paths, no host name."""
    gpu_names = []
    if torch.cuda.is_available():
        gpu_names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "gpt25": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "processor": processor_name(),
        "cores": number_of_cores(),
        "threads": torch.get_num_threads(),
        "memory_bytes": total_memory_bytes(),
        "gpus": gpu_names,
    }
