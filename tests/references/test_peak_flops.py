"""Which peak a device's name stands for, by the names that drivers give."""

import pytest

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
        ("NVIDIA B200", 2250),
        ("NVIDIA A10G", 70),
        ("Tesla T4", 8.1),
        ("NVIDIA GeForce RTX 3060", 25.5),
        ("NVIDIA GeForce RTX 3070", 40.6),
        ("NVIDIA GeForce RTX 3080", 59.5),
        ("NVIDIA GeForce RTX 3090", 71.2),
        ("NVIDIA GeForce RTX 3090 Ti", 80),
        ("NVIDIA GeForce RTX 4060 Ti", 44.1),
        ("NVIDIA GeForce RTX 4070", 58.3),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", 88.2),
        ("NVIDIA GeForce RTX 4080", 97.5),
        ("NVIDIA GeForce RTX 4090", 165.2),
        ("NVIDIA GeForce RTX 5070", 61.7),
        ("NVIDIA GeForce RTX 5080", 112.6),
        ("NVIDIA GeForce RTX 5090", 209.5),
    ],
)
def test_names_of_drivers(device: str, tera_operations: float) -> None:
    peak = peak_flops(device)
    assert peak is not None
    assert peak.operations_per_second == pytest.approx(tera_operations * 1e12, rel=0.002)
    assert peak.source.startswith("NVIDIA ")
    assert peak.precision == ("float32" if device == "Tesla T4" else "bfloat16")


@pytest.mark.parametrize(
    "device",
    [
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA GeForce RTX 4090 D",
        "NVIDIA L400",
        "NVIDIA GH200 480GB",
        "Tesla V100-SXM2-16GB",
    ],
)
def test_namesakes_and_strangers_have_none(device: str) -> None:
    assert peak_flops(device) is None
