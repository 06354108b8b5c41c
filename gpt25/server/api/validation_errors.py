"""What pydantic and starlette refuse, in OpenAI's envelope and in words of ours."""

import difflib
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gpt25.server.api.api_error import APIError, error_response
from gpt25.server.api.completion_request import ALLOWED


async def validation_response(request: Request, problem: Exception) -> Response:
    """The first field that is at fault, with what is allowed; what was sent is not repeated."""
    assert isinstance(problem, RequestValidationError)
    error: dict[str, Any] = problem.errors()[0]
    place = [str(each) for each in error["loc"] if each != "body"]
    if error["type"] == "json_invalid":
        return await error_response(request, APIError(400, "the body is not JSON."))
    if error["type"] == "string_unicode" and not place:
        return await error_response(
            request, APIError(400, "the body names a field by a lone surrogate, half a letter.")
        )
    if not place:
        return await error_response(request, APIError(400, "the body must be one JSON object."))
    name = place[0]
    if error["type"] == "extra_forbidden":
        return await error_response(request, _unknown(".".join(place)))
    if error["type"] == "missing":
        return await error_response(request, APIError(400, f"{name} is missing.", param=name))
    allowed = ALLOWED.get(name)
    sentence = f"{name} must be {allowed}." if allowed else f"{name}: {error['msg']}."
    return await error_response(request, APIError(400, sentence, param=name))


def _unknown(name: str) -> APIError:
    shown = name if name.isidentifier() and len(name) <= 40 else "what was sent"
    nearest = difflib.get_close_matches(name, ALLOWED, n=1)
    advice = f" Did you mean {nearest[0]}?" if nearest else ""
    return APIError(400, f"Unrecognized request argument supplied: {shown}.{advice}", param=shown)


async def http_error_response(request: Request, problem: Exception) -> Response:
    """404, 405 and what else starlette answers itself."""
    assert isinstance(problem, HTTPException)
    words = {
        400: "the body is not JSON in UTF-8.",
        404: "there is nothing at this address.",
        405: "this address takes other methods than this one.",
    }
    message = words.get(problem.status_code, "the request cannot be read.")
    response = await error_response(request, APIError(problem.status_code, message))
    response.headers.update(problem.headers or {})
    if response.headers.get("allow") == "GET":
        response.headers["allow"] = "GET, HEAD"
    return response


async def bug_response(request: Request, _problem: Exception) -> Response:
    """What nobody foresaw; it is reported elsewhere, and not to the client."""
    return await error_response(request, APIError(500, "the server failed at this request; that is a bug of it."))
