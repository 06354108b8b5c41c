"""The logit lens: its last row is the model itself, and the others are what transformers' hidden states give."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gpt25.errors import InspectionError
from gpt25.inspection import layer_predictions
from gpt25.model import GPTModel

TOKENS = [3, 1, 4, 1, 5, 9, 2, 6]


def test_the_last_row_is_what_the_model_predicts(model: GPTModel) -> None:
    with torch.no_grad():
        expected = model(torch.tensor([TOKENS]))[0].softmax(-1).topk(4)  # (time, 4)
    found = layer_predictions(model, TOKENS, choices=4)
    assert found.token_ids.shape == found.probabilities.shape == (4, 8, 4)
    assert np.array_equal(found.token_ids[-1], expected.indices.numpy())
    assert np.allclose(found.probabilities[-1], expected.values.numpy(), atol=1e-6)


def test_every_row_is_the_head_on_the_hidden_states_of_transformers(
    model: GPTModel, twin_of: Callable[[GPTModel], Any]
) -> None:
    twin = twin_of(model)
    with torch.no_grad():
        states = twin(torch.tensor([TOKENS]), output_hidden_states=True).hidden_states
        # The last of them has passed the final layer norm already.
        normalised = [*(twin.transformer.ln_f(state) for state in states[:-1]), states[-1]]
        expected = torch.stack([twin.lm_head(state)[0].softmax(-1) for state in normalised])  # (layers + 1, time, ids)
    found = layer_predictions(model, TOKENS, choices=23)
    assert found.token_ids.shape == (4, 8, 23)
    everywhere = np.take_along_axis(expected.numpy(), found.token_ids, axis=-1)
    assert np.abs(found.probabilities - everywhere).max() < 1e-5
    assert len({tuple(row) for row in found.token_ids[:, -1, 0:3].tolist()}) > 1, "layers that agree prove nothing"


def test_candidates_come_likeliest_first_and_all_of_them_add_up_to_one(model: GPTModel) -> None:
    found = layer_predictions(model, TOKENS, choices=23)
    assert (np.diff(found.probabilities, axis=-1) <= 0).all()
    assert np.allclose(found.probabilities.sum(axis=-1), 1, atol=1e-5)
    assert np.array_equal(layer_predictions(model, TOKENS).token_ids, found.token_ids[:, :, :5])


def test_later_tokens_change_nothing_before_them(model: GPTModel) -> None:
    longer, shorter = layer_predictions(model, TOKENS), layer_predictions(model, TOKENS[:3])
    assert np.allclose(longer.probabilities[:, :3], shorter.probabilities, atol=1e-6)


def test_a_look_leaves_no_trace(make_model: Callable[..., GPTModel]) -> None:
    expected = layer_predictions(make_model(), TOKENS)
    model = make_model(embedding_dropout=0.5, residual_dropout=0.5).train()
    assert np.array_equal(layer_predictions(model, TOKENS).probabilities, expected.probabilities)
    assert model.training


@pytest.mark.parametrize("choices", [0, 24, -1])
def test_choices_out_of_range_are_refused(model: GPTModel, choices: int) -> None:
    with pytest.raises(InspectionError, match=f"choices is {choices}; it must be from 1 to the 23 tokens"):
        layer_predictions(model, TOKENS, choices=choices)


def test_tokens_that_cannot_be_read_are_refused(model: GPTModel) -> None:
    with pytest.raises(InspectionError, match="13 token ids were given"):
        layer_predictions(model, [1] * 13)
