"""An answer that says what was wrong."""

from starlette.requests import Request
from starlette.responses import Response

from gpt25.server.error_envelope import error_body

RETRY_AFTER_SECONDS = 1


class APIError(Exception):
    """Raised by whoever answers a request; `error_response` makes OpenAI's envelope of it."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code

    @property
    def body(self) -> bytes:
        """The envelope in JSON."""
        return error_body(self.status, str(self), param=self.param, code=self.code)


async def error_response(_request: Request, problem: Exception) -> Response:
    """The error as a response, which says when to come again where that helps."""
    assert isinstance(problem, APIError)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if problem.status in (429, 503) else {}
    return Response(problem.body, status_code=problem.status, media_type="application/json", headers=headers)
