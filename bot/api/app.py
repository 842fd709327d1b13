"""The API as one ASGI app: its routes, what it answers when something is wrong, and its description."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.api import problems
from bot.api.auth import least_role
from bot.api.routers import ROUTERS
from domain.errors import SiyuError

TITLE = "Siyu"
VERSION = "1"
ROOT = "/api/v1"
NO_TELEMETRY: Any = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""What is wrong with a request is nobody's but the caller's to know."""
ABOUT = """\
Every request names an operator by a token: `Authorization: Bearer TOKEN` (`siyu operator token NAME`). It may do what the operator may:
each address says the least role. Lists come in pages: `limit` 1 to 200, and `next` is the `cursor` of the next page, null on the last one.
CUSTOMER in an address is the id, the number as `#1042` (`%231042`) or `1042`, or `channel:external-id`.
What is wrong is told as `application/problem+json`. Times are RFC 3339 in UTC.
"""


def build(routers: Sequence[APIRouter] = ROUTERS) -> FastAPI:
    """Return the app, to be mounted at ROOT behind a Guard. Raises ValueError for a route that names no role."""
    for route in routes_of(routers):
        if least_role(route) is None:
            raise ValueError(f"{route.path} is open to everybody: let it ask for a Caller (bot/api/auth.py)")
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=problems.RESPONSES,
        telemetry=NO_TELEMETRY,
    )
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, partial(_refused, routes_of(routers)))
    app.add_exception_handler(SiyuError, _ours)
    app.add_exception_handler(Exception, _bug)
    return app


def routes_of(routers: Sequence[APIRouter] = ROUTERS) -> list[APIRoute]:
    """Return every route there is."""
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def description(app: FastAPI, routers: Sequence[APIRouter] = ROUTERS) -> dict[str, Any]:
    """Return the OpenAPI document; each operation says the least role in ``x-least-role``."""
    document = app.openapi()
    document["servers"] = [{"url": ROOT}]
    document["components"]["schemas"]["Problem"] = problems.SCHEMA
    for route in routes_of(routers):
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            operation["x-least-role"] = str(least_role(route))
    return document


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # it is registered for these
    return problems.of_validation(error).response()


async def _refused(routes: Sequence[APIRoute], request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # it is registered for these
    here = request.scope["path"].removeprefix(ROOT)
    # Each method is a route of its own, and Starlette names only those of the first that fits.
    methods = {method for route in routes if route.path_regex.match(here) for method in route.methods or ()}
    return problems.of_http(error, sorted(methods)).response()


async def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SiyuError)  # noqa: S101  # it is registered for these
    problem = problems.of_error(error)
    if problem is None:
        raise error
    return problem.response()


async def _bug(_request: Request, _error: Exception) -> Response:
    """Starlette raises it on once this is sent: the guard logs it."""
    return problems.Problem(problems.Kind.INTERNAL, "the server's log says more").response()
