"""The description of the API, fuzzed: what it allows is answered as it says, and what it does not is refused."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = 30
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
ADDRESSES = {
    "/v1/completions": "POST",
    "/v1/chat/completions": "POST",
    "/v1/models": "GET",
    "/v1/models/{name}": "GET",
    "/tokenize": "POST",
    "/detokenize": "POST",
    "/tokenizer_info": "GET",
    "/health": "GET",
    "/ready": "GET",
    "/metrics": "GET",
}
WITH_A_BODY = ["/v1/completions", "/tokenize", "/detokenize"]


@pytest.fixture(scope="module")
def described(server: Any) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def test_every_address_is_fuzzed(described: Any) -> None:
    assert {path: method.upper() for path in described for method in described[path]} == ADDRESSES


def fuzz(described: Any, path: str, mode: schemathesis.GenerationMode) -> None:
    operation = described[path][ADDRESSES[path]]

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(mode))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, timeout=20)

    ask()


@pytest.mark.parametrize("path", ADDRESSES)
def test_what_is_allowed_is_answered_as_described(described: Any, path: str) -> None:
    fuzz(described, path, schemathesis.GenerationMode.POSITIVE)


@pytest.mark.parametrize("path", WITH_A_BODY)
def test_what_is_not_allowed_is_refused(described: Any, path: str) -> None:
    fuzz(described, path, schemathesis.GenerationMode.NEGATIVE)
