"""The body of a request for completions, and what each of its fields may be."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from gpt25.server.api.strict_body import StrictBody

ALLOWED = {
    "model": "the name of a model that is served; /v1/models lists them",
    "prompt": "a string, a list of strings, a list of token ids or a list of such lists",
    "max_tokens": "a whole number from 0 (only with echo) to what the block size leaves",
    "temperature": "a number from 0 to 2; 0 always takes the likeliest token",
    "top_p": "a number above 0 and at most 1",
    "n": "a whole number from 1 to 128",
    "best_of": "a whole number from 0 to 20, and not below n",
    "stream": "true or false",
    "stream_options": 'an object with "include_usage" and "include_obfuscation", each true or false',
    "logprobs": "a whole number from 0 to 5, or null",
    "echo": "true or false",
    "stop": "a string or a list of at most 16 strings",
    "presence_penalty": "a number from -2 to 2",
    "frequency_penalty": "a number from -2 to 2",
    "logit_bias": "an object of token ids, each with a number from -100 to 100",
    "seed": "a whole number of 64 bits, or null",
    "suffix": "null: a GPT-2 continues texts, it does not fill in before an ending",
    "user": "a string; nothing is done with it",
    "top_k": "a whole number from 1 on, or null for all tokens",
    "min_p": "a number from 0 up to but not including 1, or null",
    "repetition_penalty": "a number above 0 and at most 100; 1 is off",
    "special_tokens": '"parse" (names of special tokens in the prompt are those tokens) or "text"',
}
"""By field, what it may be, for the page of the API and for whoever sends something else."""

_PROMPT_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
        {
            "type": "array",
            "items": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
            "minItems": 1,
        },
        {"type": "null"},
    ]
}
_SEEDS = 1 << 63
_MOST_BIASES = 1 << 16  # token ids have two bytes


def _said(name: str, **bounds: Any) -> Any:
    return Field(description=ALLOWED[name], allow_inf_nan=False, **bounds)


def _plain(name: str, **bounds: Any) -> Any:
    return Field(description=ALLOWED[name], **bounds)


def _with_one_wrong_bias(given: Any) -> Any:
    """The biases, or the first of them that is no number alone. Raises ValueError for more than there can be tokens."""
    if not isinstance(given, dict):
        return given
    if len(given) > _MOST_BIASES:
        raise ValueError(f"{len(given)} are too many")
    wrong = next((name for name, bias in given.items() if type(bias) not in (int, float)), None)
    return given if wrong is None else {wrong: given[wrong]}


class StreamOptions(StrictBody):
    """What a stream says beside the texts."""

    include_usage: bool | None = None
    """Whether one more chunk with the usage comes before the end; the others then have "usage": null."""
    include_obfuscation: bool | None = None
    """Accepted, and without effect: pieces of text are not padded."""


class CompletionRequest(StrictBody):
    """OpenAI's fields, and at the end ours; a field that is null is as if it were missing."""

    model: Annotated[str | None, _plain("model")] = None
    prompt: Annotated[Any, WithJsonSchema(_PROMPT_SCHEMA), _plain("prompt")] = None
    max_tokens: Annotated[int | None, _plain("max_tokens", ge=0, le=1 << 20)] = None
    temperature: Annotated[float | None, _said("temperature", ge=0, le=2)] = None
    top_p: Annotated[float | None, _said("top_p", gt=0, le=1)] = None
    n: Annotated[int | None, _plain("n", ge=1, le=128)] = None
    best_of: Annotated[int | None, _plain("best_of", ge=0, le=20)] = None
    stream: Annotated[bool | None, _plain("stream")] = None
    stream_options: Annotated[StreamOptions | None, _plain("stream_options")] = None
    logprobs: Annotated[int | None, _plain("logprobs", ge=0, le=5)] = None
    echo: Annotated[bool | None, _plain("echo")] = None
    stop: Annotated[str | Annotated[list[str], Field(fail_fast=True)] | None, _plain("stop")] = None
    presence_penalty: Annotated[float | None, _said("presence_penalty", ge=-2, le=2)] = None
    frequency_penalty: Annotated[float | None, _said("frequency_penalty", ge=-2, le=2)] = None
    logit_bias: Annotated[dict[str, float] | None, BeforeValidator(_with_one_wrong_bias), _plain("logit_bias")] = None
    seed: Annotated[int | None, _plain("seed", ge=-_SEEDS, lt=_SEEDS)] = None
    suffix: Annotated[Any, WithJsonSchema({"type": "null"}), _plain("suffix")] = None
    user: Annotated[str | None, _plain("user")] = None
    top_k: Annotated[int | None, _plain("top_k", ge=1, le=1 << 24)] = None
    min_p: Annotated[float | None, _said("min_p", ge=0, lt=1)] = None
    repetition_penalty: Annotated[float | None, _said("repetition_penalty", gt=0, le=100)] = None
    special_tokens: Annotated[Literal["parse", "text"] | None, _plain("special_tokens")] = None
