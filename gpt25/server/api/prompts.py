"""The four forms of a prompt, as token ids."""

from typing import Any

from gpt25.errors import TokenizerError
from gpt25.server.api.api_error import APIError
from gpt25.server.api.completion_request import ALLOWED
from gpt25.server.registry.served_model import ServedModel
from gpt25.tokenizer import SpecialTokens

MOST_PROMPTS = 1024


def prompts_of(served: ServedModel, value: Any, *, special_tokens: SpecialTokens) -> list[list[int]]:
    """The prompts of a request as token ids; None and an empty text mean the token where every document begins.

    Raises APIError that names the field, and never quotes a prompt.
    """
    if value is None:
        return [[served.tokenizer.end_of_text_id]]
    if isinstance(value, str):
        return [_encoded(served, value, special_tokens)]
    if not isinstance(value, list) or not value:
        raise _wrong(f"it is {'an empty list' if value == [] else _kind(value)}.")
    if all(isinstance(each, str) for each in value):
        _require_few(value)
        return [_encoded(served, each, special_tokens) for each in value]
    if all(isinstance(each, list) for each in value):
        _require_few(value)
        return [_checked(served, each) for each in value]
    return [_checked(served, value)]


def _encoded(served: ServedModel, text: str, special_tokens: SpecialTokens) -> list[int]:
    longest_text = served.block_size * served.longest_token_bytes
    if len(text) > longest_text:
        raise _wrong(
            f"it has {len(text):,} characters, which the block size of {served.block_size:,} tokens cannot spell.",
            code="context_length_exceeded",
        )
    try:
        ids = served.tokenizer.encode(text, special_tokens=special_tokens)
    except TokenizerError as problem:
        raise APIError(400, f"prompt: {problem}", param="prompt") from None
    return ids or [served.tokenizer.end_of_text_id]


def _checked(served: ServedModel, ids: list[Any]) -> list[int]:
    if not ids:
        raise _wrong("it holds an empty list.")
    if len(ids) > served.block_size:
        raise _wrong(
            f"it has {len(ids):,} tokens, and the model's block size is {served.block_size:,}.",
            code="context_length_exceeded",
        )
    for place, token_id in enumerate(ids):
        if isinstance(token_id, bool) or not isinstance(token_id, int):
            raise _wrong(f"it holds {_kind(token_id)} at place {place}.")
        if not 0 <= token_id < served.tokenizer.vocabulary_size:
            raise _wrong(
                f"its token id at place {place} is not from 0 to {served.tokenizer.vocabulary_size - 1:,}, as those "
                f"of {served.name} are."
            )
    return ids


def _require_few(prompts: list[Any]) -> None:
    if len(prompts) > MOST_PROMPTS:
        raise _wrong(f"it is a list of {len(prompts):,}; a request may have {MOST_PROMPTS:,} prompts.")


def _wrong(what: str, *, code: str | None = None) -> APIError:
    return APIError(400, f"prompt must be {ALLOWED['prompt']}; {what}", param="prompt", code=code)


def _kind(value: object) -> str:
    """What a JSON value is: _kind(True) -> "a boolean"."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "null")
