from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gpt25.errors import GPT25Warning, WeightsError
from gpt25.model import GPTModel
from gpt25.weights import describe_model, load_pretrained, weights_sha256

Tensors = dict[str, torch.Tensor]
Changer = Callable[[Callable[[Tensors], object]], None]


def equal(first: GPTModel, second: GPTModel) -> bool:
    return all(torch.equal(first.get_parameter(name), parameter) for name, parameter in second.named_parameters())


def without_prefix(tensors: Tensors) -> None:
    for name in list(tensors):
        tensors[name.removeprefix("transformer.")] = tensors.pop(name)


def with_masks(tensors: Tensors) -> None:
    for layer in range(2):
        tensors[f"transformer.h.{layer}.attn.bias"] = torch.ones(1, 1, 12, 12).tril()
        tensors[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)


def with_head(tensors: Tensors) -> None:
    tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()


@pytest.mark.parametrize(
    "dialect",
    [
        [without_prefix],
        [with_masks],
        [with_head],
        [with_masks, without_prefix],
        [with_head, with_masks, without_prefix],
    ],
    ids=lambda steps: "+".join(step.__name__ for step in steps),
)
def test_every_dialect_of_the_names_is_understood(
    directory: Path, model: GPTModel, change_weights: Changer, dialect: list[Callable[[Tensors], None]]
) -> None:
    for step in dialect:
        change_weights(step)
    assert equal(load_pretrained(directory)[0], model)


def test_a_missing_tensor_is_named_with_its_shape(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors.pop("transformer.h.1.mlp.c_fc.weight"))
    with pytest.raises(WeightsError, match=r"transformer\.h\.1\.mlp\.c_fc\.weight +8 × 32 +nothing"):
        load_pretrained(directory)


def test_an_extra_tensor_beside_a_complete_model_is_left_aside_and_named(
    directory: Path, change_weights: Changer, model: GPTModel
) -> None:
    heads = {"score.weight": torch.zeros(2, 8), "v_head.summary.bias": torch.full((1,), torch.nan)}
    change_weights(lambda tensors: tensors.update(heads))
    with pytest.warns(
        GPT25Warning, match=r"more tensors \(2\), which were left aside: score\.weight, v_head\.summary\.bias"
    ):
        loaded, _ = load_pretrained(directory)
    assert weights_sha256(loaded) == weights_sha256(model)
    assert describe_model(directory)["left_aside"] == [*heads]


@pytest.mark.parametrize("name", ["transformer.h.2.ln_1.weight", "h.0.attn.c_attn.lora_A.weight"])
def test_an_extra_tensor_inside_the_blocks_is_refused(name: str, directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors.update({name: torch.zeros(2, 8)}))
    with pytest.raises(WeightsError, match=r"transformer\.h\..* +nothing of this name +2 × 8 F32"):
        load_pretrained(directory)


def test_an_extra_tensor_is_named_where_others_are_missing(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors.update({"score.weight": tensors.pop("transformer.ln_f.bias")}))
    with pytest.raises(WeightsError, match=r"transformer\.score\.weight +nothing of this name +8 F32"):
        load_pretrained(directory)


def test_the_tied_matrix_may_be_stored_as_the_head_alone(
    directory: Path, change_weights: Changer, model: GPTModel
) -> None:
    change_weights(lambda tensors: tensors.update({"lm_head.weight": tensors.pop("transformer.wte.weight")}))
    assert weights_sha256(load_pretrained(directory)[0]) == weights_sha256(model)


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod.", "model.", "_forward_module."])
def test_a_wrapper_s_prefix_of_all_names_is_taken_off(
    prefix: str, directory: Path, change_weights: Changer, model: GPTModel
) -> None:
    def rename(tensors: dict[str, torch.Tensor]) -> None:
        tensors |= {prefix + name: tensors.pop(name) for name in list(tensors)}

    change_weights(rename)
    assert weights_sha256(load_pretrained(directory)[0]) == weights_sha256(model)


def test_a_wrapper_s_prefix_of_some_names_is_named(directory: Path, change_weights: Changer) -> None:
    change_weights(
        lambda tensors: tensors.update({"_orig_mod.transformer.ln_f.bias": tensors.pop("transformer.ln_f.bias")})
    )
    with pytest.raises(
        WeightsError, match=r"1 of the 28 names begin with '_orig_mod\.', which torch\.compile adds; save"
    ):
        load_pretrained(directory)


def test_float64_is_loaded_as_float32(directory: Path, change_weights: Changer, model: GPTModel) -> None:
    change_weights(lambda tensors: tensors.update({name: tensor.double() for name, tensor in tensors.items()}))
    assert weights_sha256(load_pretrained(directory)[0]) == weights_sha256(model)


@pytest.mark.parametrize(
    ("stored", "value", "dtype"), [(torch.float64, 1e300, torch.float32), (torch.float32, 1e6, torch.float16)]
)
def test_values_that_the_precision_cannot_hold_are_refused(
    stored: torch.dtype, value: float, dtype: torch.dtype, directory: Path, change_weights: Changer
) -> None:
    change_weights(lambda tensors: tensors.update({"transformer.ln_f.bias": torch.full((8,), value, dtype=stored)}))
    name = str(dtype).removeprefix("torch.")
    with pytest.raises(WeightsError, match=rf"ln_f\.bias in .* is too large for {name} in 8 of 8 values"):
        load_pretrained(directory, dtype=dtype)


def test_a_wrong_shape_is_shown_beside_the_expected_one(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors.update({"transformer.wpe.weight": torch.zeros(13, 8)}))
    with pytest.raises(WeightsError, match=r"transformer\.wpe\.weight +12 × 8 +13 × 8 F32"):
        load_pretrained(directory)


def test_a_head_of_another_shape_is_shown(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors.update({"lm_head.weight": torch.zeros(8, 280)}))
    with pytest.raises(WeightsError, match=r"lm_head\.weight +280 × 8 +8 × 280 F32"):
        load_pretrained(directory)


def test_an_untransposed_matrix_is_recognised(directory: Path, change_weights: Changer) -> None:
    def untranspose(tensors: Tensors) -> None:
        name = "transformer.h.0.attn.c_attn.weight"
        tensors[name] = tensors[name].t().contiguous()

    change_weights(untranspose)
    expected = r"transformer\.h\.0\.attn\.c_attn\.weight +8 × 24 +24 × 8 F32 \(transposed: Conv1D holds in × out\)"
    with pytest.raises(WeightsError, match=expected):
        load_pretrained(directory)


def test_a_foreign_dtype_is_shown(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors.update({"transformer.ln_f.bias": torch.zeros(8, dtype=torch.int64)}))
    with pytest.raises(WeightsError, match=r"transformer\.ln_f\.bias +8 F32 or F16 or BF16 or F64 +8 I64"):
        load_pretrained(directory)


def test_a_name_with_and_without_its_prefix_is_refused(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors.update({"wte.weight": tensors["transformer.wte.weight"].clone()}))
    with pytest.raises(WeightsError, match=r"holds 'transformer\.wte\.weight' twice, with and without 'transformer\.'"):
        load_pretrained(directory)


def test_the_table_stays_short_however_much_differs(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: [tensors.pop(name) for name in list(tensors)[1:]])
    with pytest.raises(WeightsError) as caught:
        load_pretrained(directory)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("are not those of the GPT-2 that its config.json describes:")
    assert lines[1].split() == ["tensor", "expected", "found"]
    assert lines[-2:] == [
        "  and 21 more",
        "Is config.json of another model?",
    ]
    assert len(lines) == 10
