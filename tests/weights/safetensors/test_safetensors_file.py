from pathlib import Path

import pytest
import torch

from gpt25.errors import DiskFullError, StorageError
from gpt25.weights.safetensors.mapped_file import MappedFile
from gpt25.weights.safetensors.safetensors_file import write_safetensors
from gpt25.weights.safetensors.safetensors_header import read_safetensors_header


def some_tensors(dtype: torch.dtype) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "matrix": torch.empty(3, 5).normal_(generator=generator).to(dtype),
        "strided": torch.empty(4, 6).normal_(generator=generator).to(dtype)[:, ::2],
        "vector": torch.empty(7).normal_(generator=generator).to(dtype),
    }


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_library_reads_what_is_written_and_so_do_we(tmp_path: Path, dtype: torch.dtype) -> None:
    from safetensors import safe_open

    tensors = some_tensors(dtype)
    write_safetensors(tmp_path / "x.safetensors", tensors, transposed=["matrix"])
    expected = tensors | {"matrix": tensors["matrix"].t()}
    with safe_open(tmp_path / "x.safetensors", framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
        assert set(file.keys()) == set(expected)
        assert all(torch.equal(file.get_tensor(name), tensor) for name, tensor in expected.items())
    places = read_safetensors_header(tmp_path / "x.safetensors")
    assert places["matrix"].begin % 8 == 0  # aligned for readers that map the file
    mapped = MappedFile(tmp_path / "x.safetensors")
    for name, stored in places.items():
        assert torch.equal(mapped.tensor(stored), expected[name])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write .+absent/x\.safetensors"):
        write_safetensors(tmp_path / "absent" / "x.safetensors", {})


def test_a_full_disk_is_called_one() -> None:
    with pytest.raises(DiskFullError, match="cannot write /dev/full"):
        write_safetensors("/dev/full", some_tensors(torch.float32))
