"""Figures about the server, for Prometheus."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FIRST_TOKEN_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_REQUEST_SECONDS = (0.005, 0.05, 0.25, 1, 5, 15, 60, 300)


class Metrics:
    """Counts of one server. They name models and addresses of the API, and nothing that a client sent."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "gpt25_requests", "Requests that were answered", ["method", "route", "status"], registry=self._registry
        )
        self.request_seconds = Histogram(
            "gpt25_request_seconds",
            "How long answers took",
            ["route"],
            buckets=_REQUEST_SECONDS,
            registry=self._registry,
        )
        self.prompt_tokens = Counter("gpt25_prompt_tokens", "Tokens of prompts", ["model"], registry=self._registry)
        self.completion_tokens = Counter(
            "gpt25_completion_tokens", "Tokens written", ["model"], registry=self._registry
        )
        self.first_token_seconds = Histogram(
            "gpt25_first_token_seconds",
            "From a request to the first of its text",
            ["model"],
            buckets=_FIRST_TOKEN_SECONDS,
            registry=self._registry,
        )

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Report what a function returns whenever somebody looks."""
        Gauge(name, what, registry=self._registry).set_function(value)

    def watch_each(self, name: str, what: str, values: Mapping[str, Callable[[], float]]) -> None:
        """The same for every model, by its name."""
        gauge = Gauge(name, what, ["model"], registry=self._registry)
        for model, value in values.items():
            gauge.labels(model).set_function(value)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)
