"""Texts to tokens and back, without a model's work."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gpt25.errors import TokenizerError
from gpt25.server.api.api_error import APIError
from gpt25.server.api.choice_writer import token_text
from gpt25.server.api.completion_request import ALLOWED
from gpt25.server.api.service import Service

_LONG_TEXT = 16_384  # characters; more are encoded in a thread, while the event loop does other things


class TokenizeRequest(BaseModel):
    """A text."""

    model_config = ConfigDict(strict=True, extra="forbid")
    model: Annotated[str | None, Field(description=ALLOWED["model"])] = None
    prompt: Annotated[str, Field(description="the text")]
    add_special_tokens: Annotated[bool | None, Field(description="without effect: GPT-2 adds none")] = None
    return_token_strs: Annotated[bool | None, Field(description="whether to say how each token reads")] = None
    special_tokens: Annotated[Literal["parse", "text"] | None, Field(description=ALLOWED["special_tokens"])] = None


class DetokenizeRequest(BaseModel):
    """Token ids."""

    model_config = ConfigDict(strict=True, extra="forbid")
    model: Annotated[str | None, Field(description=ALLOWED["model"])] = None
    tokens: Annotated[list[int], Field(description="token ids")]


def token_routes(service: Service) -> APIRouter:
    """The routes of tokenizers, in the shapes that vLLM gave them and lm-evaluation-harness asks for."""
    router = APIRouter()

    @router.post("/tokenize", summary="The tokens of a text")
    async def tokenize(body: TokenizeRequest) -> dict[str, Any]:
        served = service.model(body.model)
        encode = served.tokenizer.encode
        try:
            if len(body.prompt) > _LONG_TEXT:
                ids = await asyncio.to_thread(encode, body.prompt, special_tokens=body.special_tokens or "parse")
            else:
                ids = encode(body.prompt, special_tokens=body.special_tokens or "parse")
        except TokenizerError as problem:
            raise APIError(400, f"prompt: {problem}", param="prompt") from None
        texts = {"token_strs": [token_text(served.tokenizer, token_id) for token_id in ids]}
        strings = texts if body.return_token_strs else {}
        return {"count": len(ids), "max_model_len": served.block_size, "tokens": ids, **strings}

    @router.post("/detokenize", summary="The text of tokens")
    async def detokenize(body: DetokenizeRequest) -> dict[str, str]:
        served = service.model(body.model)
        largest = served.tokenizer.vocabulary_size - 1
        for place, token_id in enumerate(body.tokens):
            if not 0 <= token_id <= largest:
                raise APIError(400, f"tokens: the id at place {place} is not from 0 to {largest:,}.", param="tokens")
        return {"prompt": served.tokenizer.decode(body.tokens)}

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
