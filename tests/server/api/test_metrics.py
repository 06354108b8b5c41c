"""Figures for Prometheus, read by its own parser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families


def test_what_was_asked_and_written_is_counted(
    start_server: Callable[..., Any], model_directory: Path, wait_for: Callable[..., None]
) -> None:
    with start_server({"tiny": str(model_directory)}) as server:
        server.complete(prompt="abc", max_tokens=7, n=2, logit_bias={"256": -100})
        server.refused(prompt=[])
        server.get("/nowhere")
        server.complete(prompt="abc", max_tokens=0, n=5, echo=True)
        found = {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(server.get("/metrics")[1])
            for sample in family.samples
        }
    assert found["gpt25_prompt_tokens_total", "tiny"] == 6
    assert found["gpt25_completion_tokens_total", "tiny"] == 14
    assert found["gpt25_requests_total", "/v1/completions", "200", "POST"] == 2
    assert found["gpt25_requests_total", "/v1/completions", "400", "POST"] == 1
    assert found["gpt25_requests_total", "404", "GET", "another address"] == 1
    assert found["gpt25_first_token_seconds_count", "tiny"] == 2, "once for a request, whatever it writes"
    assert found["gpt25_running", "tiny"] == found["gpt25_waiting", "tiny"] == found["gpt25_answering",] == 0
