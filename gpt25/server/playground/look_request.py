"""What a look into a model asks, and how much of it a model is given at a time."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from gpt25.model import Accounting, GPTModel
from gpt25.server.api.api_error import APIError
from gpt25.server.api.prompts import prompts_of
from gpt25.server.api.strict_body import StrictBody
from gpt25.server.registry.served_model import ServedModel

MOST_TOKENS = 256
"""Of a text that is looked at: the picture of a head is then 256 by 256."""
_MOST_OPERATIONS = {"cpu": 1e11, "cuda": 1e13}
"""For which the texts that are being written wait: about a second."""
_PROMPT = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer", "minimum": 0}}]}


class LookRequest(StrictBody):
    """The body of every request below /inside; each look reads the fields that it needs."""

    model: str | None = None
    prompt: Annotated[Any, WithJsonSchema(_PROMPT)] = None
    layer: Annotated[int, Field(ge=0, le=1 << 20)] = 0
    head: Annotated[int, Field(ge=0, le=1 << 20)] = 0
    position: Annotated[int, Field(ge=-(1 << 20), le=1 << 20)] = -1
    channels: Annotated[list[int], Field(default_factory=list, max_length=8)]
    special_tokens: Literal["parse", "text"] = "parse"


def tokens_to_look_at(served: ServedModel, body: LookRequest, *, reads_head: bool = False) -> list[int]:
    """The prompt as token ids. Raises APIError where it is several, or more than may be looked at.

    reads_head: whether every position is read by the head, which costs more than all layers of a small model.
    """
    prompts = prompts_of(served, body.prompt, special_tokens=body.special_tokens)
    if len(prompts) != 1:
        raise APIError(400, "prompt must be one text: a string or a list of token ids.", param="prompt")
    most = most_tokens(served.model, reads_head=reads_head)
    if len(prompts[0]) > most:
        raise APIError(
            400,
            f"the text has {len(prompts[0]):,} tokens; here this look reads at most {most:,}, so that nobody who "
            "writes waits long. Shorten the text.",
            param="prompt",
        )
    return prompts[0]


def most_tokens(model: GPTModel, *, reads_head: bool) -> int:
    """How many tokens a look may read, by what the model's operations on them cost."""
    shape = model.configuration
    per_token = 2 * Accounting(shape).parameters
    if reads_head:
        head = 2 * shape.vocabulary_size * shape.number_of_embedding_dimensions
        per_token += shape.number_of_layers * head
    operations = _MOST_OPERATIONS["cuda" if model.device.type == "cuda" else "cpu"]
    return int(max(8, min(MOST_TOKENS, shape.block_size, operations // per_token)))
