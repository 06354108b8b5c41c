import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.errors import CorruptFileError, WeightsError
from gpt25.model import GPTModel
from gpt25.weights import load_pretrained
from gpt25.weights.stored_weights import INDEX_NAME, find_stored_tensors


@pytest.fixture
def sharded(directory: Path) -> Path:
    """The same model in several files with an index, as transformers distributes it."""
    from transformers import GPT2LMHeadModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    twin = GPT2LMHeadModel.from_pretrained(directory)
    (directory / "model.safetensors").unlink()
    twin.save_pretrained(directory, max_shard_size="5KB")
    assert len(list(directory.glob("model-*-of-*.safetensors"))) > 2
    return directory


@pytest.fixture
def change_index(sharded: Path) -> Callable[[Callable[[dict[str, str]], object]], None]:
    def change(mutate: Callable[[dict[str, str]], object]) -> None:
        index = json.loads((sharded / INDEX_NAME).read_text())
        mutate(index["weight_map"])
        (sharded / INDEX_NAME).write_text(json.dumps(index))

    return change


def test_shards_are_loaded_as_one_file_is(sharded: Path, model: GPTModel) -> None:
    loaded, _ = load_pretrained(sharded)
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter), name


def test_a_missing_shard_is_named(sharded: Path) -> None:
    path = sorted(sharded.glob("model-*.safetensors"))[1]
    path.unlink()
    with pytest.raises(WeightsError, match=rf"{path.name} is missing, although {INDEX_NAME} lists it"):
        find_stored_tensors(sharded)


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/x.safetensors", "a\\b.safetensors", "pytorch_model.bin", ".."]
)
def test_an_index_cannot_lead_elsewhere(sharded: Path, change_index: Any, name: str) -> None:
    change_index(lambda places: places.update({"transformer.wte.weight": name}))
    with pytest.raises(WeightsError, match=r"names .+; only \.safetensors files beside it are read"):
        find_stored_tensors(sharded)


def test_an_index_that_disagrees_with_its_files_is_refused(sharded: Path, change_index: Any) -> None:
    name = "transformer.h.0.attn.c_attn.bias"
    change_index(lambda places: places.pop(name))
    with pytest.raises(CorruptFileError, match=rf"holds '{name}', which .+ puts in None"):
        find_stored_tensors(sharded)


def test_an_index_that_lists_more_than_there_is_is_refused(sharded: Path, change_index: Any) -> None:
    change_index(lambda places: places.update({"ghost": places["transformer.wte.weight"]}))
    with pytest.raises(CorruptFileError, match=r"model-.+\.safetensors lacks 'ghost', although .+ lists it"):
        find_stored_tensors(sharded)


@pytest.mark.parametrize("content", ["{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}'])
def test_an_index_without_a_map_is_refused(sharded: Path, content: str) -> None:
    (sharded / INDEX_NAME).write_text(content)
    with pytest.raises(CorruptFileError, match="has no weight_map from tensors to files"):
        find_stored_tensors(sharded)


def test_without_weights_a_directory_is_no_model(directory: Path) -> None:
    (directory / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"holds neither model\.safetensors nor model\.safetensors\.index\.json"):
        find_stored_tensors(directory)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth", "weights.pkl", "last.ckpt"])
def test_a_pickle_is_never_opened(directory: Path, tmp_path: Path, name: str) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return open, (str(tmp_path / "ran"), "w")

    (directory / name).write_bytes(pickle.dumps(Payload()))
    (directory / "model.safetensors").unlink()
    with pytest.raises(
        WeightsError, match=rf"holds {name} and no model\.safetensors.+never opens pickle.+save_pretrained"
    ):
        load_pretrained(directory)
    assert not (tmp_path / "ran").exists()
