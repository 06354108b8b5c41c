"""What answers look like, for the description of the API; tests hold the answers to it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class LogProbabilities(BaseModel):
    """Four lists of one length, an entry for each token."""

    model_config = ConfigDict(extra="forbid")
    tokens: Annotated[list[str], Field(description='each as text, half a letter as "bytes:\\xNN"')]
    token_logprobs: Annotated[list[float | None], Field(description="null for the first token of an echoed prompt")]
    top_logprobs: Annotated[
        list[dict[str, float] | None], Field(description="the likeliest tokens in its place, and the token itself")
    ]
    text_offset: Annotated[list[int], Field(description="characters from the prompt's start to where it begins")]


class Choice(BaseModel):
    """One text, or the next piece of it."""

    model_config = ConfigDict(extra="forbid")
    text: str
    index: Annotated[int, Field(ge=0, description="the prompt's number times n, plus the text's")]
    logprobs: LogProbabilities | None
    finish_reason: Annotated[
        Literal["stop", "length"] | None, Field(description="null in all pieces of a stream but the last")
    ]


class Usage(BaseModel):
    """Tokens that were read and written."""

    model_config = ConfigDict(extra="forbid")
    prompt_tokens: Annotated[int, Field(ge=1)]
    completion_tokens: Annotated[int, Field(ge=0, description="of texts that best_of left out too")]
    total_tokens: Annotated[int, Field(ge=1)]


class CompletionAnswer(BaseModel):
    """A whole answer, or one event of a stream."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern="^cmpl-")]
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: Usage | None


class ErrorContent(BaseModel):
    """What was wrong."""

    model_config = ConfigDict(extra="forbid")
    message: str
    type: str
    param: Annotated[str | None, Field(description="the field that is at fault")]
    code: str | None


class ErrorEnvelope(BaseModel):
    """Every error, whatever its status."""

    model_config = ConfigDict(extra="forbid")
    error: ErrorContent


ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorEnvelope, "description": "What is wrong with the request; 429: come again"},
    "5XX": {"model": ErrorEnvelope, "description": "503: the models are loading, or the server is stopping"},
}
"""What any route may answer beside what it is for."""
