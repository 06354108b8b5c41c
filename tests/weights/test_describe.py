from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gpt25.errors import CorruptFileError, WeightsError
from gpt25.model import Accounting, GPTModel
from gpt25.weights import describe_model


def test_describes_every_tensor_once_under_both_names(directory: Path, model: GPTModel) -> None:
    description = describe_model(directory)
    ours = dict(model.named_parameters())
    assert [tensor["name"] for tensor in description["tensors"]] == list(ours)
    assert all(tensor["shape"] == list(ours[tensor["name"]].shape) for tensor in description["tensors"])
    assert {tensor["dtype"] for tensor in description["tensors"]} == {"float32"}
    by_their_name = {tensor["hugging_face_name"]: tensor for tensor in description["tensors"]}
    assert by_their_name["transformer.h.1.mlp.c_proj.weight"]["shape"] == [8, 32]
    assert "lm_head.weight" not in by_their_name
    accounting = Accounting(model.configuration)
    assert description["parameters"] == accounting.parameters
    assert description["weight_bytes"] == 4 * accounting.parameters
    assert description["configuration"]["number_of_layers"] == 2
    assert description["forward_operations_per_token"] == accounting.forward_operations_per_token
    assert description["training_operations_per_token"] == accounting.training_operations_per_token


def test_dtypes_are_those_in_the_file(
    directory: Path, change_weights: Callable[[Callable[[dict[str, torch.Tensor]], object]], None]
) -> None:
    change_weights(
        lambda tensors: tensors.update({"transformer.wpe.weight": tensors["transformer.wpe.weight"].bfloat16()})
    )
    tensors = {tensor["hugging_face_name"]: tensor["dtype"] for tensor in describe_model(directory)["tensors"]}
    assert tensors["transformer.wpe.weight"] == "bfloat16"
    assert tensors["transformer.wte.weight"] == "float32"


def test_an_explicit_head_is_not_counted_again(
    directory: Path, change_weights: Callable[[Callable[[dict[str, torch.Tensor]], object]], None]
) -> None:
    before = describe_model(directory)
    change_weights(lambda tensors: tensors.update({"lm_head.weight": tensors["transformer.wte.weight"].clone()}))
    assert describe_model(directory) == before


def test_only_headers_are_read(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = directory / "model.safetensors"
    expected = describe_model(directory)
    header_bytes = 8 + int.from_bytes(path.read_bytes()[:8], "little")
    size = path.stat().st_size
    with open(path, "r+b") as file:  # the same length, without its content
        file.truncate(header_bytes)
        file.truncate(size)
    assert describe_model(directory) == expected


def test_damage_is_found_as_in_loading(directory: Path) -> None:
    (directory / "model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(CorruptFileError, match=r"model\.safetensors is not a complete safetensors file"):
        describe_model(directory)
    (directory / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="holds neither"):
        describe_model(directory)
