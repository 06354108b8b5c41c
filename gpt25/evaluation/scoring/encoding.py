"""Texts into requests, the two ways that published scores use."""

from typing import Literal

from gpt25.errors import EvaluationError
from gpt25.evaluation.scoring.request import Request
from gpt25.tokenizer import SpecialTokens, Tokenizer

Encoding = Literal["together", "apart"]


def encode_request(
    tokenizer: Tokenizer,
    context: str,
    continuation: str,
    *,
    encoding: Encoding,
    special_tokens: SpecialTokens = "text",
) -> Request:
    """How likely is the text `continuation` after the text `context`?

    "together" encodes both as one text and cuts it where the context's own tokens end, as lm-evaluation-harness does;
    spaces at the end of the context go to the continuation first. "apart" encodes each by itself, as llm.c and
    build-nanogpt do. An empty context is the token between documents. special_tokens: see Tokenizer.encode.
    """
    if encoding == "together":
        stripped = context.rstrip()
        context, continuation = stripped, context[len(stripped) :] + continuation
    before = tokenizer.encode(context, special_tokens=special_tokens)
    if encoding == "together":
        tokens = tokenizer.encode(context + continuation, special_tokens=special_tokens)[len(before) :]
    else:
        tokens = tokenizer.encode(continuation, special_tokens=special_tokens)
    if not tokens:
        raise EvaluationError(
            f"the text {continuation!r} after {context[-40:]!r} leaves no token to score; look for an empty answer in "
            "the data."
        )
    return Request(tuple(before) or (tokenizer.end_of_text_id,), tuple(tokens))
