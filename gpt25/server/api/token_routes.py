"""Texts to tokens and back, without a model's work."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from gpt25.errors import TokenizerError
from gpt25.server.api.api_error import APIError
from gpt25.server.api.choice_writer import token_text
from gpt25.server.api.completion_request import ALLOWED
from gpt25.server.api.service import Service
from gpt25.server.api.strict_body import StrictBody
from gpt25.server.registry.served_model import ServedModel

_LONG = 4096  # characters, or tokens: some milliseconds' work


class TokenizeRequest(StrictBody):
    """A text."""

    model: Annotated[str | None, Field(description=ALLOWED["model"])] = None
    prompt: Annotated[str, Field(description="the text")]
    add_special_tokens: Annotated[bool | None, Field(description="without effect: GPT-2 adds none")] = None
    return_token_strs: Annotated[bool | None, Field(description="whether to say how each token reads")] = None
    special_tokens: Annotated[Literal["parse", "text"] | None, Field(description=ALLOWED["special_tokens"])] = None


class DetokenizeRequest(StrictBody):
    """Token ids."""

    model: Annotated[str | None, Field(description=ALLOWED["model"])] = None
    tokens: Annotated[list[int], Field(description="token ids", fail_fast=True)]


def token_routes(service: Service) -> APIRouter:
    """The routes of tokenizers, in the shapes that vLLM gave them and lm-evaluation-harness asks for."""
    router = APIRouter()

    @router.post("/tokenize", summary="The tokens of a text", response_model=dict[str, Any])
    async def tokenize(body: TokenizeRequest) -> Response:
        work = partial(_tokenized, service.model(body.model), body)
        return await _answered(work, is_long=len(body.prompt) > _LONG)

    @router.post("/detokenize", summary="The text of tokens", response_model=dict[str, str])
    async def detokenize(body: DetokenizeRequest) -> Response:
        work = partial(_detokenized, service.model(body.model), body)
        return await _answered(work, is_long=len(body.tokens) > _LONG)

    @router.get("/tokenizer_info", summary="What kind of tokenizer it is")
    async def tokenizer_info(model: str | None = None) -> dict[str, Any]:
        served = service.model(model)
        end = served.tokenizer.decode([served.tokenizer.end_of_text_id])
        return {
            "tokenizer_class": "GPT2Tokenizer",
            "bos_token": end,
            "eos_token": end,
            "pad_token": None,
            "unk_token": end,
            "chat_template": None,
            "vocabulary_size": served.tokenizer.vocabulary_size,
            "fingerprint": served.tokenizer.fingerprint,
        }

    return router


async def _answered(work: Callable[[], dict[str, Any]], *, is_long: bool) -> Response:
    """What the work returns, as JSON; long work is done in a thread, so that the event loop does other things."""

    def content() -> bytes:
        return msgspec.json.encode(work())

    return Response(await asyncio.to_thread(content) if is_long else content(), media_type="application/json")


def _tokenized(served: ServedModel, body: TokenizeRequest) -> dict[str, Any]:
    try:
        ids = served.tokenizer.encode(body.prompt, special_tokens=body.special_tokens or "parse")
    except TokenizerError as problem:
        raise APIError(400, f"prompt: {problem}", param="prompt") from None
    texts = (
        {"token_strs": [token_text(served.tokenizer, token_id) for token_id in ids]} if body.return_token_strs else {}
    )
    return {"count": len(ids), "max_model_len": served.block_size, "tokens": ids, **texts}


def _detokenized(served: ServedModel, body: DetokenizeRequest) -> dict[str, Any]:
    largest = served.tokenizer.vocabulary_size - 1
    for place, token_id in enumerate(body.tokens):
        if not 0 <= token_id <= largest:
            raise APIError(400, f"tokens: the id at place {place} is not from 0 to {largest:,}.", param="tokens")
    return {"prompt": served.tokenizer.decode(body.tokens)}
