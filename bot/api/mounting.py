"""Where the API stands in the web server. What describes it is for everybody; it tells nothing of anybody."""

import re
from collections.abc import Sequence
from functools import cache, partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from bot.api.app import ROOT, build, description
from bot.api.auth import Tokens
from bot.api.docs_page import page
from bot.api.guard import Guard
from bot.api.problems import DOCS
from bot.house import House

OPENAPI = f"{ROOT}/openapi.json"
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


def api_routes(house: House) -> Sequence[BaseRoute]:
    """Return the API's addresses."""
    app = build()
    document = cache(partial(description, app))  # made when somebody wants to read it, not at every start

    def openapi(_request: Request) -> Response:
        return Response(msgspec.json.encode(document()), media_type="application/json", headers=HEADERS)

    def docs(_request: Request) -> Response:
        return page(document())

    mounted = Mount(ROOT, Guard(app, Tokens(house)))
    mounted.path_regex = re.compile(
        mounted.path_regex.pattern, re.DOTALL
    )  # a line break in an address is ours to refuse
    return (
        Route(DOCS, docs, methods=["GET"]),
        Route(OPENAPI, openapi, methods=["GET"]),
        mounted,
    )
