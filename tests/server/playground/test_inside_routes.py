"""Looks into a served model: the same numbers as in-process, within limits, and errors in the API's envelope."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt25.inspection import (
    attention_weights,
    excited_neurons,
    head_scores,
    layer_predictions,
    logit_attribution,
    position_similarity,
    positional_embeddings,
    residual_norms,
    token_labels,
)
from gpt25.model import PUBLISHED_CONFIGURATIONS, GPTModel
from gpt25.server.playground.look_request import most_tokens
from gpt25.weights import load_pretrained

PROMPT = "Any text"


@pytest.fixture(scope="module")
def model(model_directory: Path) -> Any:
    return load_pretrained(model_directory)


@pytest.fixture(scope="module")
def ids(model: Any) -> list[int]:
    return model[1].encode(PROMPT)


@pytest.fixture
def look(server: Any) -> Any:
    def ask(name: str, **fields: Any) -> dict[str, Any]:
        status, content = server.post(f"/inside/{name}", {"prompt": PROMPT, **fields})
        assert status == 200, content
        assert content.pop("model") == "tiny"
        return content

    return ask


def close(given: Any, expected: Any) -> bool:
    return np.allclose(np.array(given), expected, atol=2e-3)


def test_attention(look: Any, model: Any, ids: list[int]) -> None:
    found = look("attention", layer=1, head=1)
    expected = attention_weights(model[0], ids, layers=[1], heads=[1])[0, 0]
    assert [len(row) for row in found["weights"]] == list(range(1, len(ids) + 1))
    for place, row in enumerate(found["weights"]):
        assert close(row, expected[place, : place + 1])
    assert found["tokens"] == token_labels(model[1], ids)
    assert (found["layers"], found["heads"]) == (2, 2)


def test_lens(look: Any, model: Any, ids: list[int]) -> None:
    found = look("lens")["predictions"]
    expected = layer_predictions(model[0], ids, choices=5)
    assert [[[name for name, _ in cell] for cell in row] for row in found] == [
        [token_labels(model[1], cell) for cell in row] for row in expected.token_ids.tolist()
    ]
    assert close([[[value for _, value in cell] for cell in row] for row in found], expected.probabilities)


def test_attribution_adds_up(look: Any, model: Any, ids: list[int]) -> None:
    found = look("attribution", position=2)
    expected = logit_attribution(model[0], ids, position=2)
    assert close(found["heads"], expected.heads)
    parts = [found["token_embedding"], found["positional_embedding"], found["final_bias"]]
    parts += [sum(row) for row in found["heads"]] + found["perceptrons"] + found["attention_biases"]
    assert sum(parts) == pytest.approx(found["logit"], abs=0.02)
    assert found["predicted"] == token_labels(model[1], [expected.token_id])[0]


def test_norms_neurons_heads_and_positions(look: Any, model: Any, ids: list[int]) -> None:
    assert close(look("norms")["stream"], residual_norms(model[0], ids).stream)
    neurons = excited_neurons(model[0], ids, position=-1, count=12)
    assert [(each["layer"], each["neuron"]) for each in look("neurons")["neurons"]] == [
        (each.layer, each.neuron) for each in neurons
    ]
    scores = head_scores(model[0], rows=2, length=32)
    assert close(look("heads")["induction"], scores.induction)
    embeddings = positional_embeddings(model[0])
    positions = look("positions", channels=[3, 99])
    assert close(positions["similarity"], position_similarity(embeddings))
    assert list(positions["columns"]) == ["3"]
    assert close(positions["columns"]["3"], embeddings[:, 3])
    assert list(look("positions")["columns"]) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("name", "fields", "status", "words"),
    [
        ("attention", {"layer": 7}, 400, "layer is 7; this model's layers are 0 to 1"),
        ("attention", {"layer": -1}, 400, "layer"),
        ("attention", {"prompt": "x" * 129}, 400, "128"),
        ("attention", {"prompt": ["a", "b"]}, 400, "one text"),
        ("neurons", {"position": 99}, 400, "position is 99"),
        ("lens", {"model": "other"}, 404, "there is no model of that name"),
        ("lens", {"choices": 9}, 400, "Unrecognized request argument"),
        ("nothing", {}, 404, "there is nothing at this address"),
    ],
)
def test_what_is_wrong_is_said(server: Any, name: str, fields: dict[str, Any], status: int, words: str) -> None:
    given, content = server.post(f"/inside/{name}", {"prompt": PROMPT, **fields})
    assert given == status
    assert set(content["error"]) == {"message", "type", "param", "code"}
    assert words in content["error"]["message"]


def test_a_look_needs_the_key(start_server: Any, model_directory: Path) -> None:
    with start_server({"tiny": str(model_directory)}, api_key="a-key-of-the-tests") as server:
        assert server.post("/inside/lens", {"prompt": PROMPT})[0] == 401


def test_looks_take_turns_with_texts(server: Any) -> None:
    """A stream goes on to its end while somebody looks inside, and both get what they get alone."""
    import threading

    alone = server.complete(prompt="x", max_tokens=100, seed=4)["choices"]
    looks: list[Any] = []
    thread = threading.Thread(
        target=lambda: looks.extend(server.post("/inside/norms", {"prompt": PROMPT}) for _ in range(8))
    )
    thread.start()
    beside = server.complete(prompt="x", max_tokens=100, seed=4)["choices"]
    thread.join()
    assert beside == alone
    assert all(each == looks[0] and each[0] == 200 for each in looks)


@pytest.mark.parametrize(("name", "attention", "lens"), [("gpt2", 256, 85), ("gpt2-xl", 32, 9)])
def test_a_large_model_is_given_less_to_read(name: str, attention: int, lens: int) -> None:
    import torch

    with torch.device("meta"):
        model = GPTModel(PUBLISHED_CONFIGURATIONS[name])
    assert (most_tokens(model, reads_head=False), most_tokens(model, reads_head=True)) == (attention, lens)
