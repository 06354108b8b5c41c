"""Peak FLOP/s of GPUs in what they train in, dense, with float32 accumulation, by their maker's own papers."""

import re
from dataclasses import dataclass
from typing import Literal

_HALF = "half of the rate with sparsity"
_OPERATIONS_A_CLOCK = 512  # of a GeForce's multiprocessor in bfloat16 with float32 sums, since Ampere: half of its rate
_AMPERE = "NVIDIA Ampere GA102 GPU architecture, appendix A"
_AMPERE_PAGE = "NVIDIA GeForce RTX 30 product page"
_ADA = "NVIDIA Ada GPU architecture, appendix A"
_ADA_PAGE = "NVIDIA GeForce RTX 40 product page"
_BLACKWELL = "NVIDIA RTX Blackwell GPU architecture, appendix A"
_BLACKWELL_PAGE = "NVIDIA GeForce RTX 50 product page"


@dataclass(frozen=True)
class PeakFlops:
    """One kind of GPU."""

    name: str
    """Words of the name that the driver gives it."""
    operations_per_second: float
    source: str
    """Where the figure is written."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """What the figure is of: float32 where there is no bfloat16, since such a GPU is trained on in float32."""


def _geforce(name: str, multiprocessors: int, boost_gigahertz: float, source: str) -> PeakFlops:
    """A GeForce, by its multiprocessors and its boost clock: 128 x 2.52 GHz x 512 = 165.2 TFLOP/s for the 4090."""
    rate = multiprocessors * boost_gigahertz * 1e9 * _OPERATIONS_A_CLOCK
    arithmetic = f"{multiprocessors} multiprocessors x {boost_gigahertz:g} GHz x {_OPERATIONS_A_CLOCK} operations"
    return PeakFlops(name, rate, f"{source}: {arithmetic}")


_GPUS = (
    PeakFlops("B200", 2250e12, f"NVIDIA HGX B200 data sheet: 36 PFLOPS for 8 GPUs, {_HALF}"),
    PeakFlops("H200 NVL", 835.5e12, f"NVIDIA H200 data sheet, NVL column: 1,671 TFLOPS, {_HALF}"),
    PeakFlops("H200", 989.4e12, f"NVIDIA H200 data sheet, SXM column: 1,979 TFLOPS, {_HALF}; the H100's chip"),
    PeakFlops("H100 NVL", 835.5e12, f"NVIDIA H100 data sheet, NVL column: 1,671 TFLOPS, {_HALF}"),
    PeakFlops("H100 PCIe", 756.5e12, f"NVIDIA H100 data sheet, PCIe column: 1,513 TFLOPS, {_HALF}"),
    PeakFlops("H100", 989.4e12, "NVIDIA H100 GPU architecture paper, SXM5: 989.4 TFLOPS"),
    PeakFlops("A100", 312e12, "NVIDIA A100 data sheet: 312 TFLOPS"),
    PeakFlops("A10G", 70e12, f"NVIDIA A10G data sheet: 140 TFLOPS, {_HALF}"),
    PeakFlops("L40S", 362.05e12, "NVIDIA L40S data sheet: 362.05 TFLOPS"),
    PeakFlops("L40", 181.05e12, "NVIDIA L40 data sheet: 181.05 TFLOPS"),
    PeakFlops("L4", 121e12, f"NVIDIA L4 data sheet: 242 TFLOPS, {_HALF}"),
    PeakFlops("T4", 8.1e12, "NVIDIA T4 data sheet: 8.1 TFLOPS in single precision", "float32"),
    _geforce("RTX 3060 Ti", 38, 1.665, _AMPERE_PAGE),
    _geforce("RTX 3060", 28, 1.777, _AMPERE_PAGE),
    _geforce("RTX 3070 Ti", 48, 1.77, _AMPERE_PAGE),
    _geforce("RTX 3070", 46, 1.725, _AMPERE),
    _geforce("RTX 3080 Ti", 80, 1.665, _AMPERE_PAGE),
    _geforce("RTX 3080", 68, 1.71, _AMPERE),
    _geforce("RTX 3090 Ti", 84, 1.86, _ADA),
    _geforce("RTX 3090", 82, 1.695, _AMPERE),
    _geforce("RTX 4060 Ti", 34, 2.535, _ADA_PAGE),
    _geforce("RTX 4060", 24, 2.46, _ADA_PAGE),
    _geforce("RTX 4070 Ti SUPER", 66, 2.61, _ADA_PAGE),
    _geforce("RTX 4070 Ti", 60, 2.61, _ADA),
    _geforce("RTX 4070 SUPER", 56, 2.475, _ADA_PAGE),
    _geforce("RTX 4070", 46, 2.475, _ADA_PAGE),
    _geforce("RTX 4080 SUPER", 80, 2.55, _ADA_PAGE),
    _geforce("RTX 4080", 76, 2.505, _ADA),
    _geforce("RTX 4090", 128, 2.52, _ADA),
    _geforce("RTX 5060 Ti", 36, 2.572, _BLACKWELL_PAGE),
    _geforce("RTX 5060", 30, 2.497, _BLACKWELL_PAGE),
    _geforce("RTX 5070 Ti", 70, 2.452, _BLACKWELL),
    _geforce("RTX 5070", 48, 2.512, _BLACKWELL),
    _geforce("RTX 5080", 84, 2.617, _BLACKWELL),
    _geforce("RTX 5090", 170, 2.407, _BLACKWELL),
)  # the first whose words are part of the device's name counts
# Variants of the same name with other figures: mobile ones, and RTX 4090 D.
_OTHER_VARIANTS = re.compile(r"laptop|max-q|\bD\b", re.IGNORECASE)


def peak_flops(device_name: str) -> PeakFlops | None:
    """peak_flops("NVIDIA H100 80GB HBM3").operations_per_second -> 9.894e14; None for what is not in the table."""
    if _OTHER_VARIANTS.search(device_name):
        return None
    return next((peak for peak in _GPUS if re.search(rf"\b{peak.name}\b", device_name)), None)
