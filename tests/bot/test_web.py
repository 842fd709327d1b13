"""What those who run Siyu ask its web server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route

from bot.metrics import Metrics
from bot.web import READY_WITHIN_EVENTS, web
from channels.channel import Adapter
from channels.memory import MemoryAdapter
from domain.conversations.commands import Message, Receive, Sender
from domain.dispatch import Request
from domain.errors import StoreUnavailable
from domain.identity import ProviderMessageId, RuleId, Tag
from domain.message import Personal
from domain.ports.event_log import MemoryEventLog
from domain.registry import EVENT_TYPES
from domain.rules.commands import AddRule
from domain.rules.events import Match
from tests.bot.premises import BOT, NOON, TELEGRAM, Premises, unused_desk

DEADLINE_S = 10.0
CANARY = "canary"


@asynccontextmanager
async def serving(
    premises: Premises, adapters: Sequence[Adapter] = ()
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the web server of a house."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(web(premises.house, adapters), lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    async with aiohttp.ClientSession(
        base, timeout=timeout
    ) as session:  # it connects once the socket is answered
        yield session
    server.should_exit = True
    await running


async def got(session: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with session.get(path, allow_redirects=False) as response:
        return response.status, await response.text()


class AwayLog(MemoryEventLog):
    """A log that cannot be reached."""

    def head(self) -> int:
        raise StoreUnavailable("the database is away")


class FarLog(MemoryEventLog):
    """A log that is far ahead of every view."""

    def head(self) -> int:
        return READY_WITHIN_EVENTS + 1


async def test_it_is_alive_and_once_the_views_are_there_it_is_ready(premises: Premises) -> None:
    premises.says("wang", "hi")
    premises.house.catch_up()
    head = premises.house.log.head()
    async with serving(premises) as session:
        assert await got(session, "/healthz") == (200, "ok\n")
        assert await got(session, "/readyz") == (200, f'{{"ready":true,"head":{head},"lag":0}}')
        premises.says("wang", "hi")
        new = premises.house.log.head()
        assert await got(session, "/readyz") == (200, f'{{"ready":true,"head":{new},"lag":{new - head}}}')


async def test_while_a_store_is_away_it_is_alive_but_not_ready_and_says_why(premises: Premises) -> None:
    types = {kind: slug for slug, kind in EVENT_TYPES.items()}
    premises.house.metrics = Metrics(AwayLog(types), premises.house.views)
    async with serving(premises) as session:
        assert await got(session, "/healthz") == (200, "ok\n")
        assert await got(session, "/readyz") == (503, '{"ready":false,"why":"the database is away"}')
        status, figures = await got(session, "/metrics")  # what this process counted is still told
        assert (status, "siyu_duplicates_total 0.0" in figures, "siyu_log_head" in figures) == (
            200,
            True,
            False,
        )


async def test_with_views_that_are_far_behind_it_is_not_ready(premises: Premises) -> None:
    premises.house.catch_up()
    types = {kind: slug for slug, kind in EVENT_TYPES.items()}
    premises.house.metrics = Metrics(FarLog(types), premises.house.views)
    async with serving(premises) as session:
        behind = READY_WITHIN_EVENTS + 1
        assert await got(session, "/readyz") == (503, f'{{"ready":false,"head":{behind},"lag":{behind}}}')


async def test_what_is_not_there_says_little(premises: Premises) -> None:
    async with serving(premises) as session:
        assert await got(session, "/console") == (404, "Not Found")
        async with session.post("/healthz") as response:
            assert (response.status, await response.text()) == (405, "Method Not Allowed")


async def test_figures_count_what_happened_and_name_nobody(premises: Premises) -> None:
    received = Receive(
        channel=TELEGRAM,
        account=BOT,
        key=f"{CANARY}-key",
        occurred_at=NOON,
        content=Message(text=f"{CANARY} text", provider_message=ProviderMessageId(f"{CANARY}-m1")),
        sender=Sender(external_id=f"{CANARY}-42", name=f"{CANARY} name", username=f"{CANARY}_user"),
    )
    request = Request(premises.house.context("customer"), (received,))
    for _ in range(3):
        await premises.house.submit(request)
    both = AddRule(
        rule=RuleId(f"{CANARY}-rule"),
        match=Match.EXACT,
        pattern=Personal(CANARY),
        answer=Personal(CANARY),
        tag=Tag(CANARY),
    )
    await premises.house.submit(Request(premises.house.context("operator-cli"), (both,)))
    premises.house.catch_up()
    head = premises.house.log.head()
    async with serving(premises) as session:
        status, figures = await got(session, "/metrics")
    told = [line for line in figures.splitlines() if not line.startswith("#") and "_created" not in line]
    lags = [line for line in told if line.startswith("siyu_view_lag_events{")]
    assert status == 200
    assert {
        'siyu_events_total{type="message-received/1"} 1.0',
        'siyu_events_total{type="customer-created/1"} 1.0',
        "siyu_duplicates_total 2.0",
        'siyu_refused_total{error="Rejected"} 1.0',
        f"siyu_log_head {float(head)}",
    } <= set(told)
    assert len(lags) == len(premises.house.projector.names)
    assert {line.partition(" ")[2] for line in lags} == {"0.0"}
    contact = next(r.stream for r in premises.everything() if r.stream.startswith("contact-"))
    secrets = (CANARY, contact.removeprefix("contact-"), str(premises.house.vault.secret()))
    assert [secret for secret in secrets if secret in figures] == []


class Listening(MemoryAdapter):
    """A channel with an address."""

    def routes(self) -> Sequence[BaseRoute]:
        return (Route("/webhooks/memory", lambda _request: PlainTextResponse("taken"), methods=["POST"]),)


async def test_the_addresses_of_the_channels_are_served(premises: Premises) -> None:
    async with (
        serving(premises, [Listening("main", unused_desk(premises))]) as session,
        session.post("/webhooks/memory") as response,
    ):
        assert (response.status, await response.text()) == (200, "taken")
