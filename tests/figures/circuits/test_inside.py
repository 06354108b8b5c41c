"""What the page of a model's inside holds is what the model computes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from gpt25.cli.main import main
from gpt25.errors import InspectionError
from gpt25.figures.circuits.inside import inside_of
from gpt25.figures.opened import opened
from gpt25.inspection import attention_weights, layer_predictions, logit_attribution, record
from gpt25.plots import most_tokens_inside
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained

if TYPE_CHECKING:
    from conftest import MakeModel

PROMPT = "ab ab"


def test_every_operation_has_its_shape_and_its_numbers(make_model: "MakeModel", byte_tokenizer: Tokenizer) -> None:
    model = make_model()
    ids = byte_tokenizer.encode(PROMPT)
    found = inside_of(opened(model, tokenizer=byte_tokenizer, name="m"), PROMPT)
    everything = record(model, ids, "*")
    by_title = {(each.layer, each.title): each for each in found.operations}
    assert len(found.operations) == 4 + 2 * 11 + 3
    for title, layer, name in (
        ("Token embeddings", None, "transformer.word_token_embeddings"),
        ("The residual stream begins", None, "transformer.hidden.0.residual_before"),
        ("Queries, keys, values", 1, "transformer.hidden.1.attention.query_key_value"),
        ("Projection", 1, "transformer.hidden.1.attention"),
        ("GELU", 0, "transformer.hidden.0.multi_layer_perceptron.neurons"),
        ("Final layer norm", None, "transformer.final_layer_norm"),
    ):
        step, activation = by_title[layer, title], everything[name][0]
        assert tuple(step.shape) == tuple(activation.shape), title
        assert step.vectors is not None
        assert step.norms is not None
        assert np.array_equal(step.vectors, activation[:, :32])
        assert np.allclose(step.norms, activation.norm(dim=1))
    gathered = by_title[1, "Heads gather"]
    assert gathered.vectors is not None
    joined = everything["transformer.hidden.1.attention.mixed"][0].transpose(0, 1).flatten(1)
    assert np.array_equal(gathered.vectors, joined)
    assert tuple(by_title[0, "Attention weights"].shape) == (2, 5, 5)
    assert tuple(by_title[None, "Softmax"].shape) == (5, 257)
    assert np.array_equal(found.attention, attention_weights(model, ids))
    lens = layer_predictions(model, ids)
    assert found.candidates[2][4][0][1] == pytest.approx(float(lens.probabilities[2, 4, 0]))
    probabilities = everything["language_modeling_head"][0, 4].softmax(0)
    assert found.candidates[2][4][0][1] == pytest.approx(float(probabilities.max()), rel=1e-4)
    for place, part in enumerate(found.parts):
        expected = logit_attribution(model, ids, position=place)
        assert part.logit == expected.logit
        assert sum(part.ends.values()) + part.halves.sum() == pytest.approx(part.logit, abs=1e-4)


def test_a_long_prompt_is_refused_before_it_is_read(make_model: "MakeModel", byte_tokenizer: Tokenizer) -> None:
    model = make_model(layers=30, heads=16)
    most = most_tokens_inside(layers=30, heads=16)
    assert most < 48, "the model would read no more either"
    with pytest.raises(InspectionError, match=f"has 48 tokens, and a page of this model has room for {most}; shorten"):
        inside_of(opened(model, tokenizer=byte_tokenizer), "a" * 48)


def test_the_command_writes_the_page(
    make_model: "MakeModel", byte_tokenizer: Tokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_pretrained(make_model(), byte_tokenizer, tmp_path / "a")
    words = ["plot", "inside", str(tmp_path / "a"), "--prompt", PROMPT, "--output"]
    assert main([*words, str(tmp_path / "a.html"), "--json"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["tokens"] == ["a", "b", "·", "a", "b"]
    assert given["operations"][0] == {"title": "Tokens", "layer": None, "shape": [5]}
    with torch.no_grad():
        logits = make_model()(torch.tensor([given["token_ids"]]))[0, -1]
    assert given["next"][0]["probability"] == pytest.approx(float(logits.softmax(0).max()), rel=1e-4)
    assert "a reads “ab ab”" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert main([*words, str(tmp_path / "a.png")]) == 2
    assert "a.png is not a page; this picture is one, and its file ends in .html" in capsys.readouterr().err
