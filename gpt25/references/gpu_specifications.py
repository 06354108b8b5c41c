"""GPUs that one can rent or buy: memory and rates by their makers' data sheets, and the MFU that training reached."""

import difflib
import re
from dataclasses import dataclass
from typing import Literal

from gpt25.errors import ConfigurationError
from gpt25.references.peak_flops import PeakFlops, peak_flops


@dataclass(frozen=True)
class GPUSpecification:
    """One GPU as its maker describes it."""

    device_name: str
    """Part of the name that the driver gives it."""
    memory_bytes: int
    """Memory by the data sheet, in decimal gigabytes."""
    memory_bytes_per_second: float
    """What the memory delivers at most."""
    source: str
    """Where memory and its rate are written."""

    @property
    def peak(self) -> PeakFlops:
        """FLOP/s in what it trains in, without sparsity, and where they are written."""
        peak = peak_flops(self.device_name)
        assert peak is not None, self.device_name
        return peak

    @property
    def peak_flops(self) -> float:
        """FLOP/s in bfloat16 with float32 sums, without sparsity; in float32 where `precision` is that."""
        return self.peak.operations_per_second

    @property
    def precision(self) -> Literal["bfloat16", "float32"]:
        """What training takes by itself: bfloat16, or float32 where the GPU has no bfloat16."""
        return self.peak.precision


def _card(device_name: str, gigabytes: int, gigabytes_per_second: float, source: str) -> GPUSpecification:
    return GPUSpecification(device_name, gigabytes * 10**9, gigabytes_per_second * 1e9, source)


_AMPERE = "NVIDIA GeForce RTX 30 product page"
_ADA = "NVIDIA GeForce RTX 40 product page"
_BLACKWELL = "NVIDIA GeForce RTX 50 product page"
GPU_SPECIFICATIONS = {
    "b200": _card("B200", 180, 8000, "NVIDIA DGX B200 data sheet, an eighth of 1,440 GB and of 64 TB/s"),
    "h200": _card("H200", 141, 4800, "NVIDIA H200 data sheet, SXM"),
    "h100": _card("H100", 80, 3350, "NVIDIA H100 data sheet, SXM"),
    "h100-pcie": _card("H100 PCIe", 80, 2000, "NVIDIA H100 data sheet, PCIe"),
    "h100-nvl": _card("H100 NVL", 94, 3900, "NVIDIA H100 data sheet, NVL"),
    "a100": _card("A100", 80, 2039, "NVIDIA A100 80GB data sheet, SXM"),
    "a100-40gb": _card("A100", 40, 1555, "NVIDIA A100 40GB data sheet"),
    "l40s": _card("L40S", 48, 864, "NVIDIA L40S data sheet"),
    "a10g": _card("A10G", 24, 600, "NVIDIA A10G data sheet"),
    "l4": _card("L4", 24, 300, "NVIDIA L4 data sheet"),
    "t4": _card("T4", 16, 300, "NVIDIA T4 data sheet"),
    "3060": _card("RTX 3060", 12, 360, _AMPERE),
    "3060-ti": _card("RTX 3060 Ti", 8, 448, _AMPERE),
    "3070": _card("RTX 3070", 8, 448, _AMPERE),
    "3070-ti": _card("RTX 3070 Ti", 8, 608, _AMPERE),
    "3080": _card("RTX 3080", 10, 760, _AMPERE),
    "3080-ti": _card("RTX 3080 Ti", 12, 912, _AMPERE),
    "3090": _card("RTX 3090", 24, 936, _AMPERE),
    "3090-ti": _card("RTX 3090 Ti", 24, 1008, _AMPERE),
    "4060": _card("RTX 4060", 8, 272, _ADA),
    "4060-ti": _card("RTX 4060 Ti", 8, 288, _ADA),
    "4060-ti-16gb": _card("RTX 4060 Ti", 16, 288, _ADA),
    "4070": _card("RTX 4070", 12, 504, _ADA),
    "4070-super": _card("RTX 4070 SUPER", 12, 504, _ADA),
    "4070-ti": _card("RTX 4070 Ti", 12, 504, _ADA),
    "4070-ti-super": _card("RTX 4070 Ti SUPER", 16, 672, _ADA),
    "4080": _card("RTX 4080", 16, 716.8, _ADA),
    "4080-super": _card("RTX 4080 SUPER", 16, 736, _ADA),
    "4090": _card("RTX 4090", 24, 1008, _ADA),
    "5060": _card("RTX 5060", 8, 448, _BLACKWELL),
    "5060-ti": _card("RTX 5060 Ti", 8, 448, _BLACKWELL),
    "5060-ti-16gb": _card("RTX 5060 Ti", 16, 448, _BLACKWELL),
    "5070": _card("RTX 5070", 12, 672, _BLACKWELL),
    "5070-ti": _card("RTX 5070 Ti", 16, 896, _BLACKWELL),
    "5080": _card("RTX 5080", 16, 960, _BLACKWELL),
    "5090": _card("RTX 5090", 32, 1792, _BLACKWELL),
}
"""By the names that `gpt25 plan` prints."""

_MAKERS_WORDS = re.compile(r"nvidia|geforce|tesla|gpu|rtx|[^a-z0-9]")
_FORMS = re.compile(r"sxm\d?|hbm\d[a-z]?")  # H100 SXM5 80GB HBM3: the form that a bare H100 means
_MEMORY = re.compile(r"(?<!\d)(\d{1,3})\s*gb\b")


def find_gpu(name: str) -> str:
    """The key of GPU_SPECIFICATIONS that a name as people type it means: find_gpu("NVIDIA H100 SXM") -> "h100".

    Capitals, spaces, hyphens, "NVIDIA", "GeForce", "Tesla" and "RTX" do not matter, nor a memory that is the GPU's own:
    "A100-SXM4-80GB" -> "a100". Raises ConfigurationError, naming the nearest, for what is not in the table.
    """
    known = {_plain(key): key for key in GPU_SPECIFICATIONS}
    lower = name.lower()
    memory = _MEMORY.search(lower)
    plain = _plain(_MEMORY.sub("", lower))
    for form in (plain, plain.replace("pcie", "")):  # an H100 PCIe has a row of its own, an A100 PCIe has not
        if memory and f"{form}{memory[1]}gb" in known:
            return known[f"{form}{memory[1]}gb"]
        if form in known and (not memory or _has(known[form], gigabytes=int(memory[1]))):
            return known[form]
    near = difflib.get_close_matches(_plain(name), known, n=1, cutoff=0.5)
    advice = f"; did you mean {known[near[0]]!r}?" if near else "."
    raise ConfigurationError(
        f"--gpu {name!r} is not in the table{advice} Choose one of {', '.join(GPU_SPECIFICATIONS)}, or here to measure "
        "this machine."
    )


def _plain(name: str) -> str:
    """_plain("NVIDIA GeForce RTX 4070 Ti") -> "4070ti"."""
    return _FORMS.sub("", _MAKERS_WORDS.sub("", name.lower()))


def _has(key: str, *, gigabytes: int) -> bool:
    return GPU_SPECIFICATIONS[key].memory_bytes == gigabytes * 10**9


MODEL_FLOPS_UTILISATION = 0.38
"""Share of the peak (MFU) that a plan counts on: the lower of what two runs of the 124M reached."""
MODEL_FLOPS_UTILISATION_SOURCE = (
    "llm.c's 124M reached 38 % on 8 H100 (3.74M tokens/s) "
    "and 56 % on 8 A100 (9.9 billion tokens in 94 minutes)"
)  # both by 0.80 GFLOP a token: karpathy/llm.c; modded-nanogpt, records/2024-10-13_llmc
