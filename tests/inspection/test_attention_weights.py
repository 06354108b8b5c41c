"""Attention weights against transformers' own, and what must hold of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gpt25.errors import InspectionError
from gpt25.inspection import attention_weights
from gpt25.model import GPTModel

TOKENS = [3, 1, 4, 1, 5, 9, 2, 6, 22]


@pytest.mark.parametrize("fields", [{}, {"number_of_heads": 4}, {"number_of_heads": 1, "number_of_layers": 1}])
def test_weights_are_those_of_transformers(
    make_model: Callable[..., GPTModel], twin_of: Callable[[GPTModel], Any], fields: dict[str, int]
) -> None:
    model = make_model(**fields)
    with torch.no_grad():
        attentions = twin_of(model)(torch.tensor([TOKENS]), output_attentions=True).attentions
    expected = torch.stack(attentions)[:, 0].numpy()  # (layers, heads, time, time)
    found = attention_weights(model, TOKENS)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5
    assert np.ptp(expected[..., -1, :]) > 0.1, "weights that are all alike would prove nothing"


def test_rows_add_up_to_one_and_nothing_looks_ahead(model: GPTModel) -> None:
    found = attention_weights(model, TOKENS)
    assert np.allclose(found.sum(axis=-1), 1, atol=1e-6)
    ahead = np.triu(np.ones((len(TOKENS), len(TOKENS)), dtype=bool), 1)
    assert (found[..., ahead] == 0).all()
    assert (found[..., ~ahead] > 0).all()


def test_earlier_weights_do_not_depend_on_later_tokens(model: GPTModel) -> None:
    longer, shorter = attention_weights(model, TOKENS), attention_weights(model, TOKENS[:4])
    assert np.allclose(longer[:, :, :4, :4], shorter, atol=1e-6)


def test_a_choice_of_layers_and_heads_is_a_part_of_the_whole(model: GPTModel) -> None:
    everything = attention_weights(model, TOKENS)
    assert np.array_equal(attention_weights(model, TOKENS, layers=[2], heads=[1]), everything[2:, 1:])
    assert np.array_equal(attention_weights(model, TOKENS, layers=[1, 0, 1]), everything[[1, 0, 1]])
    assert np.array_equal(attention_weights(model, TOKENS, heads=[1, 0]), everything[:, [1, 0]])


def test_one_token_looks_at_itself(model: GPTModel) -> None:
    assert (attention_weights(model, [0]) == np.ones((3, 2, 1, 1))).all()


def test_a_look_leaves_no_trace(make_model: Callable[..., GPTModel]) -> None:
    expected = attention_weights(make_model(), TOKENS)
    model = make_model(embedding_dropout=0.5, attention_dropout=0.5, residual_dropout=0.5).train()
    state = torch.random.get_rng_state()
    assert np.array_equal(attention_weights(model, TOKENS), expected)
    assert model.training
    assert all(module.training for module in model.modules())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_model_in_bfloat16_is_looked_into_too(model: GPTModel) -> None:
    expected = attention_weights(model, TOKENS)
    found = attention_weights(model.bfloat16(), TOKENS)
    assert np.allclose(found.sum(axis=-1), 1, atol=1e-5)
    assert np.abs(found - expected).max() < 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": [3]}, "layer is 3; this model's layers are 0 to 2"),
        ({"layers": [-1]}, "layer is -1; this model's layers are 0 to 2"),
        ({"heads": [0, 2]}, "head is 2; this model's heads are 0 to 1"),
        ({"heads": []}, "no head was chosen; leave the choice out to see all 2"),
        ({"token_ids": []}, "0 token ids were given; this model reads from 1 to 12 at once"),
        ({"token_ids": [0] * 13}, "13 token ids were given; this model reads from 1 to 12 at once"),
        ({"token_ids": [0, 23]}, "token id 23 is not one of this model's, 0 to 22"),
        ({"token_ids": [-1]}, "token id -1 is not one of this model's, 0 to 22"),
    ],
)
def test_what_the_model_does_not_have_is_refused(model: GPTModel, options: dict[str, Any], message: str) -> None:
    token_ids = options.pop("token_ids", TOKENS)
    with pytest.raises(InspectionError, match=message):
        attention_weights(model, token_ids, **options)
