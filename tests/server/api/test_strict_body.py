"""A body full of faults is refused for the first of them, before it holds up the event loop."""

import json
import threading
import time
import urllib.request
from typing import Any

import pytest
from pydantic import ValidationError

from gpt25.server.api.completion_request import CompletionRequest
from gpt25.server.api.strict_body import StrictBody
from gpt25.server.api.token_routes import DetokenizeRequest
from gpt25.server.playground.look_request import LookRequest

MANY = 100_000
STRANGERS = {f"field_{number}": number for number in range(MANY)}


@pytest.mark.parametrize(
    ("kind", "content", "name"),
    [
        (CompletionRequest, STRANGERS, "field_0"),
        (CompletionRequest, {"stream_options": STRANGERS}, "stream_options"),
        (CompletionRequest, {"stop": [1] * MANY}, "stop"),
        (CompletionRequest, {"logit_bias": {str(number): "x" for number in range(50_000)}}, "logit_bias"),
        (CompletionRequest, {"logit_bias": {str(number): 1 for number in range(MANY)}}, "logit_bias"),
        (DetokenizeRequest, {"tokens": ["a"] * MANY}, "tokens"),
        (LookRequest, {"channels": ["a"] * MANY}, "channels"),
        (LookRequest, STRANGERS, "field_0"),
    ],
)
def test_few_faults_are_found(kind: type[StrictBody], content: dict[str, Any], name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        kind.model_validate(content)
    assert refusal.value.error_count() <= 2  # one for each kind that a field may be
    assert {error["loc"][0] for error in refusal.value.errors()} == {name}


def test_it_is_named_to_the_client(server: Any) -> None:
    assert server.refused(prompt="x", **STRANGERS)["message"] == "Unrecognized request argument supplied: field_0."
    assert server.refused(prompt="x", stop=[1] * MANY)["param"] == "stop"
    biases = server.refused(prompt="x", logit_bias={str(number): 1 for number in range(MANY)})
    assert biases["message"].startswith(
        "logit_bias must be an object of token ids, each with a number from -100 to 100"
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tokenize", {"prompt": "a b " * 900_000, "return_token_strs": True}),
        ("/detokenize", {"tokens": [65] * 900_000}),
        ("/v1/completions", {"prompt": "x", **{f"field_{number}": number for number in range(150_000)}}),
        ("/v1/completions", {"prompt": "x", "stop": [1] * 1_300_000}),
    ],
    ids=["tokenize", "detokenize", "strangers", "stop"],
)
def test_health_is_told_while_a_large_body_is_worked_on(server: Any, path: str, body: dict[str, Any]) -> None:
    content, answers, seconds = json.dumps(body).encode(), [], []
    asking = threading.Thread(target=lambda: answers.append(server.post(path, content)))
    asking.start()
    while asking.is_alive():
        began = time.monotonic()
        with urllib.request.urlopen(f"{server.url}/health", timeout=30) as response:
            assert response.status == 200
        seconds.append(time.monotonic() - began)
    asking.join()
    assert answers[0][0] in (200, 400)
    assert max(seconds) < 1.5, "it took seconds before"
