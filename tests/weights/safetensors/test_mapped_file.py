import os
from pathlib import Path

import pytest
import torch

from gpt25.errors import CorruptFileError, StorageError
from gpt25.weights.safetensors.mapped_file import MappedFile
from gpt25.weights.safetensors.safetensors_file import write_safetensors
from gpt25.weights.safetensors.safetensors_header import read_safetensors_header


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_safetensors(
        tmp_path / "x.safetensors", {"a": torch.arange(5000.0), "b": torch.full((5000,), 2.0), "c": torch.zeros(1)}
    )
    return tmp_path / "x.safetensors"


def test_tensors_are_the_files_pages_and_keep_the_map(path: Path) -> None:
    places = read_safetensors_header(path)
    mapped = MappedFile(path)
    first, second = mapped.tensor(places["a"]), mapped.tensor(places["a"])
    assert first.data_ptr() == second.data_ptr()
    del mapped
    first[7] = -1
    assert second[7] == -1
    assert MappedFile(path).tensor(places["a"])[7] == 7


def test_what_is_released_is_read_again_and_its_neighbours_stay(path: Path) -> None:
    places = read_safetensors_header(path)
    mapped = MappedFile(path)
    before, released, after = (mapped.tensor(places[name]) for name in "abc")
    before.fill_(3)
    after.fill_(4)
    mapped.release(places["b"])
    assert (before == 3).all()
    assert (released == 2).all()
    assert after == 4


def test_a_file_that_became_shorter_is_noticed(path: Path) -> None:
    stored = read_safetensors_header(path)["c"]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptFileError, match=r"x\.safetensors became shorter while it was read"):
        MappedFile(path).tensor(stored)


def test_a_file_that_is_cut_short_after_it_was_mapped_is_noticed_before_it_is_touched(path: Path) -> None:
    stored = read_safetensors_header(path)["c"]
    mapped = MappedFile(path)
    os.truncate(path, 10)
    with pytest.raises(CorruptFileError, match=r"x\.safetensors became shorter while it was read"):
        mapped.tensor(stored)


def test_a_file_that_cannot_be_mapped_is_named(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(StorageError, match=r"cannot map .+x\.safetensors"):
        MappedFile(path)
    with pytest.raises(StorageError, match=r"cannot map .+absent"):
        MappedFile(tmp_path / "absent")
