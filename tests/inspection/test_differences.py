"""Two models compared, against torch's own norms, cosines and singular values."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from gpt25.errors import InspectionError
from gpt25.inspection import differences
from gpt25.model import GPTModel


def test_every_figure_is_torchs_own(make_model: Callable[..., GPTModel]) -> None:
    a, b = make_model(seed=1), make_model(seed=2)
    found = differences(a, b)
    others = dict(b.named_parameters())
    assert [difference.name for difference in found] == [name for name, _ in a.named_parameters()]
    for difference, (name, first) in zip(found, a.named_parameters(), strict=True):
        first, second = first.detach(), others[name].detach()
        assert math.isclose(difference.norm_a, first.norm(), rel_tol=1e-5)
        assert math.isclose(difference.norm_b, second.norm(), rel_tol=1e-5)
        assert math.isclose(difference.norm_of_difference, (second - first).norm(), rel_tol=1e-5)
        assert math.isclose(difference.relative_change, (second - first).norm() / first.norm(), rel_tol=1e-5)
        cosine = torch.nn.functional.cosine_similarity(first.flatten(), second.flatten(), dim=0)
        assert math.isclose(difference.cosine, cosine, abs_tol=1e-5)
        if first.dim() == 1:
            assert difference.singular_values_a is difference.singular_values_b is None
        else:
            assert difference.singular_values_a is not None
            assert difference.singular_values_b is not None
            assert len(difference.singular_values_a) == min(first.shape)
            assert np.allclose(difference.singular_values_a, torch.linalg.svdvals(first).numpy(), atol=1e-5)
            assert np.allclose(difference.singular_values_b, torch.linalg.svdvals(second).numpy(), atol=1e-5)


def test_layers_and_parts_are_told_apart(make_model: Callable[..., GPTModel]) -> None:
    found = differences(make_model(), make_model())
    assert {difference.layer for difference in found} == {None, 0, 1, 2}
    of_a_block = [difference.part for difference in found if difference.layer == 1]
    assert len(of_a_block) == 12
    assert of_a_block[2] == "attention.query_key_value.weight"
    assert [difference.part for difference in found if difference.layer is None] == [
        "word_token_embeddings.weight",
        "word_positional_embeddings.weight",
        "final_layer_norm.weight",
        "final_layer_norm.bias",
    ]


def test_a_model_does_not_differ_from_itself(model: GPTModel) -> None:
    for difference in differences(model, model):
        assert difference.relative_change == 0
        assert math.isclose(difference.cosine, 1)


def test_a_scaled_model_points_the_same_way(make_model: Callable[..., GPTModel]) -> None:
    a, b = make_model(), make_model()
    with torch.no_grad():
        for parameter in b.parameters():
            parameter.mul_(1.5)
    for difference in differences(a, b):
        assert math.isclose(difference.relative_change, 0.5, rel_tol=1e-6)
        assert math.isclose(difference.cosine, 1, rel_tol=1e-6)


def test_a_change_of_a_millionth_is_seen(make_model: Callable[..., GPTModel]) -> None:
    a, b = make_model(), make_model()
    with torch.no_grad():
        b.transformer.word_token_embeddings.weight[3, 5] += 1e-5
    first, *others = differences(a, b)
    assert 0 < first.relative_change < 1e-5
    assert all(difference.relative_change == 0 for difference in others)


def test_zeros_have_no_direction(make_model: Callable[..., GPTModel]) -> None:
    a, b = make_model(), make_model()
    with torch.no_grad():
        a.transformer.final_layer_norm.bias.zero_()
        a.transformer.hidden[0].layer_norm_1.bias.zero_()
        b.transformer.hidden[0].layer_norm_1.bias.zero_()
    by_name = {difference.name: difference for difference in differences(a, b)}
    from_zero = by_name["transformer.final_layer_norm.bias"]
    assert from_zero.relative_change == math.inf
    assert math.isnan(from_zero.cosine)
    zeros = by_name["transformer.hidden.0.layer_norm_1.bias"]
    assert zeros.relative_change == 0
    assert math.isnan(zeros.cosine)


def test_progress_counts_every_tensor(model: GPTModel) -> None:
    counted: list[int] = []
    found = differences(model, model, progress=counted.append)
    assert counted == [1] * len(found)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"number_of_layers": 2}, "differ in shape: number_of_layers 3 and 2. Only tensors of one shape"),
        ({"number_of_heads": 4}, "number_of_heads 2 and 4"),
        ({"block_size": 8, "vocabulary_size": 1_024}, "block_size 12 and 8, vocabulary_size 23 and 1,024"),
        ({"number_of_embedding_dimensions": 8}, "number_of_embedding_dimensions 16 and 8"),
    ],
)
def test_models_of_other_shapes_are_refused(
    make_model: Callable[..., GPTModel], fields: dict[str, int], message: str
) -> None:
    with pytest.raises(InspectionError, match=message):
        differences(make_model(), make_model(**fields))
