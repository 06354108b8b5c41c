"""What every route needs."""

from dataclasses import dataclass, field
from typing import Literal

from gpt25.server.api.api_error import APIError
from gpt25.server.driving.engine_driver import EngineDriver
from gpt25.server.metrics import Metrics
from gpt25.server.registry.registry import Registry
from gpt25.server.registry.served_model import ServedModel


@dataclass
class Service:
    """The models, the thread that drives them, and whether they take requests."""

    driver: EngineDriver
    metrics: Metrics = field(default_factory=Metrics)
    registry: Registry = field(default_factory=Registry)
    state: Literal["loading", "ready", "draining"] = "loading"

    def require_ready(self) -> None:
        """Raise APIError with 503 while models load, and once the server is to end."""
        if self.state == "loading":
            raise APIError(503, "the models are being loaded; try again soon.", code="loading")
        if self.state == "draining":
            raise APIError(503, "the server is stopping; it takes no new requests.", code="stopping")

    def model(self, name: str | None) -> ServedModel:
        """The model of that name, which may be left out where there is only one. Raises APIError with 404 or 503."""
        self.require_ready()
        models = self.registry.models
        if name is None and len(models) == 1:
            return models[0]
        found = None if name is None else self.registry.find(name)
        if found is None:
            known = ", ".join(model.name for model in models)
            status, what = (400, "model is missing") if name is None else (404, "there is no model of that name")
            code = None if name is None else "model_not_found"
            raise APIError(status, f"{what}; this server has {known}.", param="model", code=code)
        return found
