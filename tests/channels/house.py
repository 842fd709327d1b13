"""The house around a channel under test: the real dispatcher on a log in memory, and a web server on loopback."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette

from channels.channel import Adapter, Desk
from domain.conversations.commands import Receive
from domain.dispatch import Dispatcher, Failed, Request
from domain.errors import BadInput, SiyuError, StoreUnavailable
from domain.identity import ContactId, KeyedHash, Slug
from domain.message import Context
from domain.ports.event_log import MemoryEventLog
from domain.ports.history import MemoryHistory
from domain.ports.identities import MemoryIdentities
from domain.ports.media import MemoryUploads
from domain.registry import EVENT_TYPES, registry

E = TypeVar("E")

DEADLINE_S = 10.0
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@dataclass
class Cursors:
    values: dict[str, str] = field(default_factory=dict)

    def get_cursor(self, name: str) -> str | None:
        return self.values.get(name)

    def set_cursor(self, name: str, value: str) -> None:
        self.values[name] = value


class House:
    """`gate`: while it is clear, nothing is committed. `failures` are raised first, one a call, before anything is stored.

    `lost_answers`: so many of the next calls store what they are given, and fail all the same. `refuses`: what the domain does not take.
    """

    def __init__(self) -> None:
        numbers = itertools.count(1)
        self.log = MemoryEventLog({kind: slug for slug, kind in EVENT_TYPES.items()}, lambda: NOW)
        self.identities = MemoryIdentities(lambda: f"id{next(numbers)}")
        self._dispatcher = Dispatcher(
            self.log, self.identities, registry(()), KeyedHash(b"test"), lambda: f"new{next(numbers)}"
        )
        self.cursors = Cursors()
        self.uploads = MemoryUploads()
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: list[SiyuError] = []
        self.lost_answers = 0
        self.refuses: Callable[[Receive], bool] = lambda _received: False
        self.said = asyncio.Event()
        """Set: nothing is about to be said to anybody."""
        self.said.set()
        self.proven: list[str] = []
        """Deliveries that a channel told went out after all."""
        self.handed_in: list[Receive] = []
        """Everything that came, refused or not."""

    def desk(self, public_url: str | None = None) -> Desk:
        return Desk(
            intake=self.intake,
            history=MemoryHistory(),
            cursors=self.cursors,
            contact_of=lambda _channel, _account, _external_id: None,
            confirmed=_nothing_to_confirm,
            accepted=self._accepted,
            all_said=self._all_said,
            clock=lambda: NOW,
            public_url=public_url,
            brand="Tea & Co",
            locale="en",
            say=lambda text, _locale: text,
            uploads=self.uploads,
            link=lambda media: f"/media/{media}",
        )

    async def _accepted(self, delivery: str) -> None:
        self.proven.append(delivery)

    async def _all_said(self, contact: ContactId) -> None:
        del contact
        await self.said.wait()

    async def intake(self, received: Sequence[Receive]) -> None:
        self.handed_in.extend(received)
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        if any(map(self.refuses, received)):
            raise BadInput("the domain refuses it")
        for result in self._dispatcher.step([self._request(one) for one in received]):
            if isinstance(result, Failed):
                raise result.error
        if self.lost_answers:
            self.lost_answers -= 1
            raise StoreUnavailable("the answer of the commit was lost")

    def events(self, kind: type[E]) -> list[E]:
        """The events of one class in the log, oldest first."""
        return [one.event for one in self.log.read(0, 100_000) if isinstance(one.event, kind)]

    def _request(self, received: Receive) -> Request:
        context = Context(actor=Slug("customer"), occurred_at=received.occurred_at, now=NOW)
        return Request(context, (received,))


async def _nothing_to_confirm(_delivery: str) -> None:
    return None


class Web:
    """A free port of loopback, and a server for the routes of one adapter there."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    @asynccontextmanager
    async def serving(self, adapter: Adapter) -> AsyncIterator[None]:
        """Start the server, then the adapter; end them in the opposite order."""
        app = Starlette(routes=list(adapter.routes()))
        config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[self._listening]))
        await until(lambda: server.started)
        await adapter.start()
        try:
            yield
        finally:
            await adapter.stop()
            server.should_exit = True
            await running


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)
