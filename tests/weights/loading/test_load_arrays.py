"""Arrays are the parameters that `load_pretrained` gives, and what it refuses is refused in the same words."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from gpt25.errors import GPT25Error, GPT25Warning
from gpt25.model import GPTModel, Int8Matrix, ModelArrays, quantise_int8
from gpt25.weights import can_load_arrays, find_model, load_arrays, load_pretrained

Tensors = dict[str, torch.Tensor]
Changer = Callable[[Callable[[Tensors], object]], None]


def loaded_arrays(directory: Path) -> ModelArrays:
    found = find_model(directory)
    assert can_load_arrays(found)
    return load_arrays(found)


def require_same(arrays: ModelArrays, model: GPTModel) -> None:
    """Every array has the bits of the model's own."""
    expected = ModelArrays.of(model)
    assert arrays.configuration == expected.configuration
    assert arrays.end_token_ids == expected.end_token_ids
    assert arrays.arrays.keys() == expected.arrays.keys()
    for name, array in expected.arrays.items():
        found = arrays.arrays[name]
        if isinstance(array, Int8Matrix):
            assert isinstance(found, Int8Matrix), name
            assert found.quantised.dtype == array.quantised.dtype
            assert np.array_equal(found.quantised, array.quantised), name
            assert np.array_equal(found.scales, array.scales), name
        else:
            assert not isinstance(found, Int8Matrix), name
            assert found.dtype == np.float32
            assert np.array_equal(found, array), name


@pytest.mark.parametrize("is_int8", [False, True])
def test_arrays_are_the_parameters(directory: Path, is_int8: bool) -> None:
    arrays, (model, _) = loaded_arrays(directory), load_pretrained(directory)
    require_same(arrays.in_int8() if is_int8 else arrays, quantise_int8(model) if is_int8 else model)


def test_the_files_own_end_of_text_comes_along(directory: Path) -> None:
    (directory / "generation_config.json").write_text('{"eos_token_id": [3, 5]}')
    assert loaded_arrays(directory).end_ids(279) == {3, 5}
    (directory / "generation_config.json").unlink()
    assert loaded_arrays(directory).end_ids(279) == {279}


def test_arrays_outlive_their_file(directory: Path) -> None:
    arrays, (model, _) = loaded_arrays(directory), load_pretrained(directory)
    for path in directory.iterdir():
        path.unlink()
    require_same(arrays, model)


def test_numbers_that_do_not_lie_on_their_own_boundaries_are_read(directory: Path, model: GPTModel) -> None:
    path = directory / "model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    path.write_bytes((length + 1).to_bytes(8, "little") + content[8 : 8 + length] + b" " + content[8 + length :])
    arrays = loaded_arrays(directory)
    for name, parameter in model.named_parameters():
        array = arrays.arrays[name]
        assert not isinstance(array, Int8Matrix)
        assert array.flags.aligned
        assert np.array_equal(array, parameter.detach().numpy())


def test_large_finite_numbers_whose_squares_overflow_are_accepted(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors["transformer.ln_f.weight"].fill_(3e38))
    assert loaded_arrays(directory).arrays["transformer.final_layer_norm.weight"][0] == np.float32(3e38)


def untie(tensors: Tensors) -> None:
    tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()
    tensors["lm_head.weight"][5, 1:4] += 1


@pytest.mark.parametrize(
    "fault",
    [
        lambda tensors: tensors.pop("transformer.h.1.ln_1.weight"),
        lambda tensors: tensors["transformer.h.1.mlp.c_proj.weight"][3, :2].fill_(float("nan")),
        lambda tensors: tensors["transformer.wpe.weight"][2, 1].fill_(-float("inf")),
        lambda tensors: tensors.update({"transformer.h.0.ln_1.bias": torch.zeros(9)}),
        lambda tensors: tensors.update({"transformer.h.0.adapter": torch.zeros(9)}),
        lambda tensors: tensors.update({"transformer.ln_f.bias": torch.zeros(8, dtype=torch.int32)}),
        untie,
    ],
    ids=["missing", "NaN", "infinite", "shape", "more", "integers", "untied"],
)
def test_faults_are_told_in_the_words_of_load_pretrained(
    directory: Path, change_weights: Changer, fault: Callable[[Tensors], object]
) -> None:
    change_weights(fault)
    with pytest.raises(GPT25Error) as expected:
        load_pretrained(directory)
    with pytest.raises(type(expected.value), match=f"^{re.escape(str(expected.value))}$"):
        load_arrays(find_model(directory))


def test_an_explicit_head_that_is_tied_is_passed_over(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors.update({"lm_head.weight": tensors["transformer.wte.weight"].clone()}))
    require_same(loaded_arrays(directory), load_pretrained(directory)[0])


def test_what_is_left_aside_is_named(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors.update({"value_head.weight": torch.zeros(3)}))
    with pytest.warns(GPT25Warning, match=r"more tensors \(1\), which were left aside: value_head\.weight"):
        loaded_arrays(directory)


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16, torch.float64])
def test_what_would_have_to_be_converted_is_left_to_torch(
    directory: Path, change_weights: Changer, stored: torch.dtype
) -> None:
    change_weights(lambda tensors: tensors.update({"transformer.ln_f.bias": torch.zeros(8, dtype=stored)}))
    assert not can_load_arrays(find_model(directory))


def test_a_system_that_keeps_mapped_files_from_being_replaced_is_left_to_torch(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpt25.weights.loading.load_arrays.can_stay_mapped", lambda: False)
    assert not can_load_arrays(find_model(directory))
