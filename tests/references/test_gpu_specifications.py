"""GPUs by the names that people type, and what their makers say of them."""

import pytest

from gpt25.errors import ConfigurationError
from gpt25.references.gpu_specifications import GPU_SPECIFICATIONS, find_gpu


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        *((key, key) for key in GPU_SPECIFICATIONS),
        ("rtx4090", "4090"),
        ("RTX 4090", "4090"),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", "4070-ti-super"),
        ("4060ti", "4060-ti"),
        ("4060 Ti 16GB", "4060-ti-16gb"),
        ("3080 10gb", "3080"),
        ("a100-80gb", "a100"),
        ("A100 40GB", "a100-40gb"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA A100-PCIE-40GB", "a100-40gb"),
        ("H100 SXM", "h100"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("h100pcie", "h100-pcie"),
        ("H100 PCIe 80 GB", "h100-pcie"),
        ("h200-141gb", "h200"),
        ("Tesla T4", "t4"),
    ],
)
def test_names_as_people_type_them(typed: str, key: str) -> None:
    assert find_gpu(typed) == key


@pytest.mark.parametrize(
    ("typed", "nearest"), [("rtx 4095", "4090"), ("4090 48gb", "4090"), ("v100", "h100"), ("a100-60gb", "a100-40gb")]
)
def test_an_unknown_one_names_the_nearest(typed: str, nearest: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"--gpu '{typed}' is not in the table; did you mean '{nearest}'. Choose"
    ):
        find_gpu(typed)


@pytest.mark.parametrize("typed", ["", "tpu", "£"])
def test_what_resembles_none_is_given_the_list(typed: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"is not in the table\. Choose one of b200, h200, .* 5090, or here to"
    ):
        find_gpu(typed)


def test_every_gpu_is_described_whole() -> None:
    for key, each in GPU_SPECIFICATIONS.items():
        assert 8e9 <= each.memory_bytes <= 180e9, key
        assert 250e9 < each.memory_bytes_per_second <= 8e12, key
        assert each.peak_flops > (8e12 if key == "t4" else 20e12), key
        assert each.source.startswith("NVIDIA ")
        assert each.peak.source.startswith("NVIDIA ")


def test_only_a_t4_has_no_bfloat16() -> None:
    assert [key for key, each in GPU_SPECIFICATIONS.items() if each.precision == "float32"] == ["t4"]
