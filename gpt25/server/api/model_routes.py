"""Which models there are."""

from typing import Any

from fastapi import APIRouter

from gpt25.server.api.service import Service
from gpt25.server.registry.served_model import ServedModel


def model_routes(service: Service) -> APIRouter:
    """The routes that list models."""
    router = APIRouter()

    @router.get("/v1/models", summary="The models that are served")
    async def models() -> dict[str, Any]:
        service.require_ready()
        return {"object": "list", "data": [_described(model) for model in service.registry.models]}

    @router.get("/v1/models/{name}", summary="One of them")
    async def model(name: str) -> dict[str, Any]:
        return _described(service.model(name))

    return router


def _described(model: ServedModel) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "created": model.created,
        "owned_by": "gpt25",
        "max_model_len": model.block_size,
        "vocabulary_size": model.tokenizer.vocabulary_size,
        "tokenizer": model.tokenizer.name,
        "layers": model.model.configuration.number_of_layers,
        "heads": model.model.configuration.number_of_heads,
        "is_run": model.run is not None,
    }
