"""Errors as OpenAI's clients know them."""

from typing import Any

import msgspec

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


def error_envelope(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> dict[str, dict[str, Any]]:
    """{"error": {"message", "type", "param", "code"}}: the shape of every error, whatever its status."""
    kind = _TYPES.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_body(status: int, message: str, *, param: str | None = None, code: str | None = None) -> bytes:
    """The envelope in JSON."""
    return msgspec.json.encode(error_envelope(status, message, param=param, code=code))
