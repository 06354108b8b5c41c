"""Attribution: the parts are the logit, and each is what the model's own norm and head make of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gpt25.errors import InspectionError
from gpt25.inspection import logit_attribution, logit_attributions
from gpt25.model import GPTModel

TOKENS = [3, 1, 4, 1, 5, 9, 2]


@pytest.mark.parametrize("options", [{}, {"token_id": 4}, {"token_id": 4, "against": 7}, {"position": 2}])
@pytest.mark.parametrize("fields", [{}, {"number_of_heads": 4, "number_of_layers": 1}])
def test_the_parts_are_the_logit_of_transformers(
    make_model: Callable[..., GPTModel],
    twin_of: Callable[[GPTModel], Any],
    fields: dict[str, int],
    options: dict[str, int],
) -> None:
    model = make_model(**fields)
    found = logit_attribution(model, TOKENS, **options)
    with torch.no_grad():
        logits = twin_of(model)(torch.tensor([TOKENS])).logits[0, options.get("position", -1)]
    token_id = options.get("token_id", int(logits.argmax()))
    assert found.token_id == token_id
    expected = float(logits[token_id] - (logits[options["against"]] if "against" in options else 0))
    assert found.logit == pytest.approx(expected, abs=1e-4)
    assert found.total == pytest.approx(found.logit, abs=1e-5)
    assert found.heads.shape == (model.configuration.number_of_layers, model.configuration.number_of_heads)
    assert np.ptp(found.heads) > 0.01


@torch.no_grad()
def test_each_part_is_what_taking_it_out_of_the_stream_costs_with_the_norm_held(
    model: GPTModel, twin_of: Callable[[GPTModel], Any]
) -> None:
    twin = twin_of(model)
    kept: dict[str, Any] = {}

    def keep(name: str) -> Callable[[Any, Any, Any], None]:
        def hook(_: Any, inputs: Any, output: Any) -> None:
            kept[name] = (inputs, output)

        return hook

    for name, module in twin.named_modules():
        module.register_forward_hook(keep(name))
    with torch.no_grad():
        twin(torch.tensor([TOKENS]))
    stream = kept["transformer.ln_f"][0][0][0, -1].double()
    norm = twin.transformer.ln_f
    scale = (stream.var(correction=0) + norm.eps).sqrt()
    row = twin.lm_head.weight[4].double()

    def part(written: torch.Tensor) -> float:
        centred = written.double() - written.double().mean()
        return float((centred / scale * norm.weight.double()) @ row)

    found = logit_attribution(model, TOKENS, token_id=4)
    assert found.token_embedding == pytest.approx(part(kept["transformer.wte"][1][0, -1]), abs=1e-4)
    assert found.positional_embedding == pytest.approx(part(kept["transformer.wpe"][1][0, -1]), abs=1e-4)
    assert found.final_bias == pytest.approx(float(norm.bias.double() @ row), abs=1e-4)
    for layer in range(3):
        block = twin.transformer.h[layer]
        written = kept[f"transformer.h.{layer}.mlp"][1][0, -1]
        assert found.multi_layer_perceptrons[layer] == pytest.approx(part(written), abs=1e-4)
        assert found.attention_biases[layer] == pytest.approx(part(block.attn.c_proj.bias), abs=1e-4)
        gathered = kept[f"transformer.h.{layer}.attn.c_proj"][0][0][0, -1]
        for head in range(2):
            of_head = slice(8 * head, 8 * head + 8)
            written = gathered[of_head] @ block.attn.c_proj.weight[of_head]
            assert found.heads[layer, head] == pytest.approx(part(written), abs=1e-4)


def test_all_positions_at_once_are_each_by_itself(model: GPTModel) -> None:
    together = logit_attributions(model, TOKENS)
    assert [found.position for found in together] == list(range(len(TOKENS)))
    for place, found in enumerate(together):
        alone = logit_attribution(model, TOKENS, position=place)
        assert found.token_id == alone.token_id
        assert found.logit == alone.logit
        assert np.array_equal(found.heads, alone.heads)
        assert found.total == alone.total


def test_the_planted_induction_head_writes_the_answer(planted: GPTModel) -> None:
    found = logit_attribution(planted, [1, 2, 4, 5, 8, 9, 4], token_id=5, against=7)
    assert found.heads[1, 0] == pytest.approx(found.logit, rel=1e-3)
    assert np.abs(np.delete(found.heads.ravel(), 2)).max() < 1e-3
    assert (found.position, found.token_id, found.against) == (6, 5, 7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token_id": 23}, "token id 23 is not one of this model's, 0 to 22"),
        ({"token_id": 1, "against": -1}, "token id -1 is not one"),
        ({"position": 7}, "position is 7; this text has the positions 0 to 6"),
        ({"position": -8}, "position is -8"),
    ],
)
def test_what_is_not_there_is_refused(model: GPTModel, options: dict[str, int], message: str) -> None:
    with pytest.raises(InspectionError, match=message):
        logit_attribution(model, TOKENS, **options)
