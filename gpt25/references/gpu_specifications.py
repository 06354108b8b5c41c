"""GPUs that one can rent: memory and peak FLOP/s by their makers' data sheets, and the MFU that training reached."""

from dataclasses import dataclass

from gpt25.references.peak_flops import peak_flops


@dataclass(frozen=True)
class GPUSpecification:
    """One GPU as its maker describes it."""

    device_name: str
    """Part of the name that the driver gives it."""
    memory_bytes: int
    """Memory by the data sheet, in decimal gigabytes."""
    source: str
    """Where memory and peak are written."""

    @property
    def peak_flops(self) -> float:
        """FLOP/s in bfloat16 with float32 sums, without sparsity."""
        peak = peak_flops(self.device_name)
        assert peak is not None, self.device_name
        return peak.operations_per_second


GPU_SPECIFICATIONS = {
    "h200": GPUSpecification("H200", 141 * 10**9, "NVIDIA H200 data sheet, SXM (half of the rate with sparsity)"),
    "h100": GPUSpecification("H100", 80 * 10**9, "NVIDIA H100 data sheet, SXM (half of the rate with sparsity)"),
    "h100-pcie": GPUSpecification(
        "H100 PCIe", 80 * 10**9, "NVIDIA H100 data sheet, PCIe (half of the rate with sparsity)"
    ),
    "a100": GPUSpecification("A100", 80 * 10**9, "NVIDIA A100 80GB data sheet"),
    "a100-40gb": GPUSpecification("A100", 40 * 10**9, "NVIDIA A100 40GB data sheet"),
    "l40s": GPUSpecification("L40S", 48 * 10**9, "NVIDIA L40S data sheet"),
    "l4": GPUSpecification("L4", 24 * 10**9, "NVIDIA L4 data sheet (half of the rate with sparsity)"),
    "4090": GPUSpecification("RTX 4090", 24 * 10**9, "NVIDIA Ada GPU architecture, appendix A"),
}
"""By the values that `gpt25 plan --gpu` takes."""

MODEL_FLOPS_UTILISATION = 0.38
"""Share of the peak (MFU) that a plan counts on: the lower of what two runs of the 124M reached."""
MODEL_FLOPS_UTILISATION_SOURCE = (
    "llm.c's 124M reached 38 % on 8 H100 (3.74M tokens/s) "
    "and 56 % on 8 A100 (9.9 billion tokens in 94 minutes)"
)  # both by 0.80 GFLOP a token: karpathy/llm.c; modded-nanogpt, records/2024-10-13_llmc
