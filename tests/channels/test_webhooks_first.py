"""What the web server calls: webhooks at once, everything else through Starlette."""

from collections.abc import Sequence

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive as Receiver
from starlette.types import Scope, Send

from channels.webhook import webhook, webhooks_first
from domain.conversations.commands import Receive


class Watched(Starlette):
    """Notes what comes through it."""

    def __init__(self) -> None:
        super().__init__(routes=[Route("/chat", _page, methods=["GET", "POST"])])
        self.paths: list[str] = []

    async def __call__(self, scope: Scope, receive: Receiver, send: Send) -> None:
        self.paths.append(scope["path"])
        await super().__call__(scope, receive, send)


async def _page(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("a page")


@pytest.fixture
def taken() -> list[bytes]:
    return []


@pytest.fixture
def site(taken: list[bytes]) -> Watched:
    def judge(_query: bytes, body: bytes) -> list[Receive]:
        taken.append(body)
        return []

    async def intake(received: Sequence[Receive]) -> None:
        assert not received

    site = Watched()
    site.router.routes.append(webhook("/hook", lambda _headers, _query: None, judge, intake))
    return site


async def test_a_webhook_is_called_at_once_also_one_that_came_later(
    site: Watched, taken: list[bytes]
) -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(webhooks_first(site)), base_url="http://x"
    ) as http:
        assert (await http.post("/hook", json={"a": 1})).status_code == 200
        site.router.routes[:] = [
            route for route in site.router.routes if getattr(route, "path", "") != "/hook"
        ]
        assert (await http.post("/hook", json={})).status_code == 404
    assert taken == [b'{"a":1}']
    assert site.paths == ["/hook"]


async def test_everything_else_goes_through_starlette(site: Watched, taken: list[bytes]) -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(webhooks_first(site)), base_url="http://x"
    ) as http:
        assert (await http.get("/chat")).text == "a page"
        assert (await http.post("/chat")).text == "a page"
        assert (await http.get("/hook")).status_code == 405
        assert (await http.post("/nowhere")).status_code == 404
    assert site.paths == ["/chat", "/chat", "/hook", "/nowhere"]
    assert taken == []
