"""Peak FLOP/s of GPUs in bfloat16 with float32 accumulation, dense, by their maker's own papers."""

import re
from dataclasses import dataclass

_HALF = "half of the rate with sparsity"


@dataclass(frozen=True)
class PeakFlops:
    """One kind of GPU."""

    name: str
    """Words of the name that the driver gives it."""
    operations_per_second: float
    source: str
    """Where the figure is written."""


_GPUS = (
    PeakFlops("H200 NVL", 835.5e12, f"NVIDIA H200 data sheet, NVL column: 1,671 TFLOPS, {_HALF}"),
    PeakFlops("H200", 989.4e12, f"NVIDIA H200 data sheet, SXM column: 1,979 TFLOPS, {_HALF}; the H100's chip"),
    PeakFlops("H100 NVL", 835.5e12, f"NVIDIA H100 data sheet, NVL column: 1,671 TFLOPS, {_HALF}"),
    PeakFlops("H100 PCIe", 756.5e12, f"NVIDIA H100 data sheet, PCIe column: 1,513 TFLOPS, {_HALF}"),
    PeakFlops("H100", 989.4e12, "NVIDIA H100 GPU architecture paper, SXM5: 989.4 TFLOPS"),
    PeakFlops("A100", 312e12, "NVIDIA A100 data sheet: 312 TFLOPS"),
    PeakFlops("L40S", 362.05e12, "NVIDIA L40S data sheet: 362.05 TFLOPS"),
    PeakFlops("L40", 181.05e12, "NVIDIA L40 data sheet: 181.05 TFLOPS"),
    PeakFlops("L4", 121e12, f"NVIDIA L4 data sheet: 242 TFLOPS, {_HALF}"),
    PeakFlops("RTX 4090", 165.2e12, "NVIDIA Ada GPU architecture, appendix A: 165.2 TFLOPS"),
)  # the first whose words are part of the device's name counts
# Variants of the same name with other figures: mobile ones, and RTX 4090 D.
_OTHER_VARIANTS = re.compile(r"laptop|max-q|\bD\b", re.IGNORECASE)


def peak_flops(device_name: str) -> PeakFlops | None:
    """peak_flops("NVIDIA H100 80GB HBM3").operations_per_second -> 9.894e14; None for what is not in the table."""
    if _OTHER_VARIANTS.search(device_name):
        return None
    return next((peak for peak in _GPUS if re.search(rf"\b{peak.name}\b", device_name)), None)
