import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt25.errors import CorruptFileError, StorageError
from gpt25.weights.safetensors.safetensors_header import LARGEST_HEADER_BYTES, read_safetensors_header

Writer = Callable[[Path, Any, bytes], Path]


def entry(dtype: object = "F32", shape: object = (2,), begin: object = 0, end: object = 8) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_reads_names_dtypes_shapes_and_places(tmp_path: Path, write_raw: Writer) -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "b": entry("BF16", [3], 8, 14),
        "a": entry(),
        "empty": entry("F32", [0], 14, 14),
    }
    path = write_raw(tmp_path / "x.safetensors", header, bytes(14))
    tensors = read_safetensors_header(path)
    data_start = 8 + len(json.dumps(header))
    assert tensors.keys() == {"a", "b", "empty"}
    assert (tensors["b"].dtype, tensors["b"].shape, tensors["b"].path) == ("BF16", (3,), path)
    assert (tensors["b"].begin, tensors["b"].end) == (data_start + 8, data_start + 14)
    assert tensors["b"].number_of_bytes == 6


def test_reads_what_the_library_writes(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2, 3), "b": torch.ones(5, dtype=torch.bfloat16)}, tmp_path / "x.safetensors")
    tensors = read_safetensors_header(tmp_path / "x.safetensors")
    assert {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()} == {
        "a": ("F32", (2, 3)),
        "b": ("BF16", (5,)),
    }


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .+absent\.safetensors: No such file"):
        read_safetensors_header(tmp_path / "absent.safetensors")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has 0 bytes, fewer than the 8"),
        (b"\x00" * 7, "it has 7 bytes, fewer than the 8"),
        (b"\xff" * 64, r"its header claims 18,446,744,073,709,551,615 bytes and the file has 64"),
        (struct.pack("<Q", 1 << 40) + b"{}", r"claims 1,099,511,627,776 bytes and the file has 10"),
        (struct.pack("<Q", 3) + b"{}", "claims 3 bytes and the file has 10"),
        (struct.pack("<Q", 0), "its header is not JSON"),
        (struct.pack("<Q", 2) + b"[]", "its header is not a JSON object"),
        (struct.pack("<Q", 2) + b"\xff{", "its header is not JSON"),
        (struct.pack("<Q", 100_000) + b"[" * 100_000, "its header is not JSON"),
    ],
)
def test_a_damaged_beginning_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(
        CorruptFileError, match=rf"x\.safetensors is not a complete safetensors file: .*{message}.*again\.$"
    ):
        read_safetensors_header(path)


def test_a_huge_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", 1 << 33))
        file.truncate((1 << 33) + 8)  # sparse: reading it would take 8 GiB
    with pytest.raises(
        CorruptFileError, match=f"claims 8,589,934,592 bytes; at most {LARGEST_HEADER_BYTES:,} are read"
    ):
        read_safetensors_header(path)


@pytest.mark.parametrize(
    ("header", "data_bytes", "message"),
    [
        ({"a": []}, 0, "the entry of 'a' is not an object"),
        ({"a": entry(dtype="F33")}, 8, "'a' has the unknown dtype 'F33'"),
        ({"a": entry(dtype=4)}, 8, "'a' has the unknown dtype 4"),
        ({"a": entry(shape=[-2])}, 8, "'a' has the impossible shape"),
        ({"a": entry(shape=[2.0])}, 8, "'a' has the impossible shape"),
        ({"a": entry(shape=[True, 2])}, 8, "'a' has the impossible shape"),
        ({"a": entry(shape=None)}, 8, "'a' has the impossible shape"),
        ({"a": entry(shape=[1] * 9)}, 8, "'a' has the impossible shape"),
        ({"a": entry(shape=[1 << 62])}, 8, "'a' has the impossible shape"),
        ({"a": entry(begin=-8, end=0)}, 8, "'a' has the impossible offsets"),
        ({"a": entry(begin="0")}, 8, "'a' has the impossible offsets"),
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4, 8]}}, 8, "'a' has the impossible offsets"),
        ({"a": entry(shape=[3])}, 8, r"'a' of shape \[3\] in F32 needs 12 bytes, .*8"),
        ({"a": entry(begin=8, end=0)}, 8, r"'a' of shape \[2\] in F32 needs 8 bytes, .*-8"),
        ({"a": entry(shape=[1 << 40, 1 << 40])}, 8, "needs 4,835,703,278,458,516,698,824,704 bytes"),
        ({"a": entry(), "b": entry(begin=4, end=12)}, 12, "'b' begins at byte .+ overlaps the tensor before it"),
        ({"a": entry(), "b": entry()}, 8, "'b' begins at byte .+ overlaps the tensor before it"),
        ({"a": entry(), "b": entry(begin=12, end=20)}, 20, "'b' begins at byte .+ leaves a hole before it"),
        ({"a": entry(begin=4, end=12)}, 12, "'a' begins at byte .+ leaves a hole before it"),
        ({"a": entry()}, 7, "its tensors end at byte .+ and the file at"),
        ({"a": entry()}, 9, "its tensors end at byte .+ and the file at"),
        ({}, 1, "its tensors end at byte 10 and the file at 11"),
        (b'{"a": {}, "a": {}}', 0, "its header is not JSON .a name stands twice"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(
    tmp_path: Path, write_raw: Writer, header: Any, data_bytes: int, message: str
) -> None:
    path = write_raw(tmp_path / "x.safetensors", header, bytes(data_bytes))
    with pytest.raises(CorruptFileError, match=message):
        read_safetensors_header(path)
