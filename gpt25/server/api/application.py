"""The application: every route, and every error in one envelope."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gpt25.server.api.api_error import APIError, error_response
from gpt25.server.api.completion_routes import completion_routes
from gpt25.server.api.model_routes import model_routes
from gpt25.server.api.service import Service
from gpt25.server.api.status_routes import status_routes
from gpt25.server.api.token_routes import token_routes
from gpt25.server.api.validation_errors import bug_response, http_error_response, validation_response
from gpt25.server.reference.answer_shapes import ERRORS
from gpt25.server.reference.reference_page import reference_page
from gpt25.version import __version__

_ABOUT = "Completions of base models in the shapes of OpenAI's API. There is no chat: a GPT-2 continues texts."


Routes = Callable[[Service], APIRouter]
"""Makes routes over a service."""


def application(service: Service, more: Sequence[Routes] = ()) -> FastAPI:
    """The application over a service; who may ask is judged before it, by `network`.

    more: routes beside the API's own, such as the page's.
    """
    made = FastAPI(
        title="gpt25",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=ERRORS,
    )
    for routes in (completion_routes, model_routes, token_routes, status_routes, *more):
        made.include_router(routes(service))
    made.add_exception_handler(APIError, error_response)
    made.add_exception_handler(RequestValidationError, validation_response)
    made.add_exception_handler(HTTPException, http_error_response)
    made.add_exception_handler(Exception, bug_response)
    made.include_router(reference_page(made.openapi()))  # which is made once, here, and not while a client waits
    return made
