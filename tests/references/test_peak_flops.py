"""Which peak a device's name stands for, by the names that drivers give."""

import pytest

from gpt25.references.gpu_specifications import GPU_SPECIFICATIONS
from gpt25.references.peak_flops import peak_flops


@pytest.mark.parametrize(
    ("device", "tera_operations"),
    [
        ("NVIDIA H200", 989.4),
        ("NVIDIA H200 NVL", 835.5),
        ("NVIDIA H100 80GB HBM3", 989.4),
        ("NVIDIA H100 PCIe", 756.5),
        ("NVIDIA H100 NVL", 835.5),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A100-PCIE-40GB", 312),
        ("NVIDIA L40S", 362.05),
        ("NVIDIA L40", 181.05),
        ("NVIDIA L4", 121),
        ("NVIDIA GeForce RTX 4090", 165.2),
    ],
)
def test_names_of_drivers(device: str, tera_operations: float) -> None:
    peak = peak_flops(device)
    assert peak is not None
    assert peak.operations_per_second == pytest.approx(tera_operations * 1e12)
    assert peak.source.startswith("NVIDIA ")


@pytest.mark.parametrize(
    "device",
    [
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA GeForce RTX 4090 D",
        "NVIDIA L400",
        "NVIDIA GH200 480GB",
        "Tesla T4",
    ],
)
def test_namesakes_and_strangers_have_none(device: str) -> None:
    assert peak_flops(device) is None


def test_every_gpu_of_a_plan_has_a_peak() -> None:
    assert all(each.peak_flops > 1e14 for each in GPU_SPECIFICATIONS.values())
