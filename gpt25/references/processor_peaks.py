"""What GPUs can do at most in bfloat16 with float32 sums, dense, by their makers' data sheets."""

_PEAKS = (
    ("H200", 989e12),
    ("H100 PCIe", 756e12),
    ("H100", 989e12),
    ("A100", 312e12),
    ("L40S", 362e12),
    ("L4", 121e12),
    ("RTX 4090", 165e12),
)  # operations a second; the first whose name is part of the device's


def peak_operations_per_second(device_name: str) -> float | None:
    """peak_operations_per_second("NVIDIA H100 80GB HBM3") -> 9.89e14; None for a device that is not in the table."""
    return next((peak for name, peak in _PEAKS if name in device_name), None)
