"""On what a plan counts: the GPU or processor that is here, measured, or one of the table."""

import dataclasses
from collections.abc import Callable

import torch

from gpt25.model import Accounting
from gpt25.recipes.planning.memory_plan import USABLE_FRACTION
from gpt25.recipes.planning.micro_batch import with_automatic_rows
from gpt25.references.gpu_specifications import (
    GPU_SPECIFICATIONS,
    MODEL_FLOPS_UTILISATION,
    MODEL_FLOPS_UTILISATION_SOURCE,
    GPUSpecification,
    find_gpu,
)
from gpt25.runtime import PrecisionName, choose_device, choose_precision, free_memory_bytes
from gpt25.training import TrainingConfiguration

_DEFAULT_GPU = "h100"
HERE = "here"
_FLOAT16 = "; its rate in float16, which training here does not use, is no help"


@dataclasses.dataclass(frozen=True)
class Hardware:
    """One GPU, and where its figures come from."""

    name: str
    memory_bytes: int | None
    tokens_per_second: float
    """Of one GPU."""
    source: str
    measured: bool
    precision: PrecisionName
    """Of the forward and backward pass."""
    usable_bytes: int | None
    """Of a GPU's memory; None for a processor."""
    compiles: bool
    """Whether training compiles its passes there."""
    remark: str | None = None
    """What of the recipe and the GPU do not fit."""


def hardware_for(
    configuration: TrainingConfiguration, gpu: str | None, gpus: int, probe: Callable[..., float]
) -> Hardware:
    """The hardware of a plan.

    gpu: a name as `find_gpu` reads it; "here" measures this machine whatever it is; None measures a GPU that is here
    and else counts on an H100. Raises ConfigurationError for an unknown one.
    """
    key = None if gpu in (None, HERE) else find_gpu(str(gpu))
    device = choose_device("auto" if gpu == HERE else configuration.loop.device)
    is_gpu = device.type == "cuda"
    here = torch.cuda.get_device_name(device) if is_gpu else str(device)
    if gpu == HERE or (is_gpu and (key is None or GPU_SPECIFICATIONS[key].device_name in here)):
        memory = torch.cuda.get_device_properties(device).total_memory if is_gpu else free_memory_bytes()
        usable = int(USABLE_FRACTION * memory) if is_gpu and memory is not None else None
        precision = choose_precision(device, configuration.loop.precision).name
        sized = with_automatic_rows(configuration, gpus=gpus, usable_bytes=usable, precision=precision)
        return Hardware(
            name=here,
            memory_bytes=memory,
            tokens_per_second=probe(sized, gpus=gpus),
            source="measured here with real updates",
            measured=True,
            precision=precision,
            usable_bytes=usable,
            compiles=configuration.loop.compile is True or (is_gpu and configuration.loop.compile == "auto"),
        )
    specification = GPU_SPECIFICATIONS[key or _DEFAULT_GPU]
    operations = Accounting(configuration.model).training_operations_per_token
    assumed = "" if key else "assumed, as no GPU is here and --gpu names none; "
    peak = f"{MODEL_FLOPS_UTILISATION:.0%} of {specification.peak_flops / 1e12:.3g} TFLOP/s"
    wanted = configuration.loop.precision
    return Hardware(
        name=key or _DEFAULT_GPU,
        memory_bytes=specification.memory_bytes,
        tokens_per_second=specification.peak_flops * MODEL_FLOPS_UTILISATION / operations,
        source=f"{assumed}{peak} ({specification.precision}; {specification.peak.source}); "
        f"{MODEL_FLOPS_UTILISATION_SOURCE}",
        measured=False,
        precision=specification.precision if wanted == "auto" else wanted,
        usable_bytes=int(USABLE_FRACTION * specification.memory_bytes),
        compiles=configuration.loop.compile is not False,
        remark=_remark(key or _DEFAULT_GPU, specification, configuration),
    )


def _remark(name: str, specification: GPUSpecification, configuration: TrainingConfiguration) -> str | None:
    """What to know where the GPU's own precision and the recipe's are not both bfloat16."""
    wanted = configuration.loop.precision
    if specification.precision == "float32":
        if wanted == "bfloat16":
            return f"loop.precision is bfloat16, which a {name} does not have: emulated, it is slower than counted here"
        return f"a {name} has no bfloat16, so that training is in float32{_FLOAT16}"
    if wanted == "float32":
        return "loop.precision is float32: slower than counted here, which is bfloat16's rate"
    return None
