"""The web server's routes: those of the channels, and what those who run Siyu ask it."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import Receive, Scope, Send

from bot.connect.document import language
from bot.connect.start import start_page
from bot.house import House
from bot.links import Clicks, ShortLinks, link_route
from bot.media.letters import Attachments
from bot.media.links import Links, media_route
from channels.channel import Adapter
from domain.errors import SiyuError

READY_WITHIN_EVENTS = 50_000
"""A Siyu whose views are further behind shows people a past they no longer live in."""


def web(house: House, adapters: Sequence[Adapter]) -> Starlette:
    """Return the one ASGI app."""
    files = media_route(Links(house.vault.secret(), house.clock), Attachments(house.log, house.media))
    links = ShortLinks(house.vault.secret(), house.settings.public_url, house.variables)
    clicks = Clicks(links, house.log, house.submit, house.context)
    own = [
        *start_page(house),
        *watched(house),
        files,
        link_route(clicks, house.texts.say, partial(language, house=house.settings.locale)),
        WhenAsked("/api", partial(_api, house)),
    ]
    # The channels come first: routes are tried in order, and webhooks are what comes in most.
    return Starlette(routes=[*(route for adapter in reversed(adapters) for route in adapter.routes()), *own])


def watched(house: House) -> list[Route]:
    """Return the routes by which a process is watched."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        try:
            head, lags = await asyncio.to_thread(house.metrics.lags)
        except SiyuError as error:
            return JSONResponse({"ready": False, "why": str(error)}, 503)
        lag = max(lags.values(), default=head)
        ready = lag <= READY_WITHIN_EVENTS
        return JSONResponse({"ready": ready, "head": head, "lag": lag}, 200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        text = await asyncio.to_thread(house.metrics.text)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def _api(house: House) -> Sequence[BaseRoute]:
    from bot.api import api_routes  # noqa: PLC0415  # FastAPI takes half a second, which a start has no time for

    return api_routes(house)


class WhenAsked(BaseRoute):
    """Routes below an address that are made when somebody first asks for one of them. ``make``: is called in a thread."""

    def __init__(self, below: str, make: Callable[[], Sequence[BaseRoute]]) -> None:
        self._below, self._make = below, make
        self._made: asyncio.Future[Router] | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See BaseRoute."""
        path = scope.get("path", "")
        ours = scope["type"] == "http" and (path == self._below or path.startswith(f"{self._below}/"))
        return (Match.FULL if ours else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See BaseRoute."""
        if self._made is None:
            self._made = asyncio.ensure_future(asyncio.to_thread(lambda: Router(self._make())))
        router = await asyncio.shield(self._made)
        await router(scope, receive, send)
