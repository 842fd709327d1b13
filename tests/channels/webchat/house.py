"""The house around a web chat: an intake that keeps what it is given, and a real server on loopback."""

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect

from bot.texts import Texts
from channels.channel import Adapter, Desk
from channels.webchat import open_channel
from domain.conversations.commands import Message, Receive
from domain.errors import SiyuError
from domain.identity import Account, Address, Channel, ContactId, Party
from domain.ports.history import History, MemoryHistory, Said
from domain.ports.media import MemoryUploads
from domain.ports.messenger import Outbound
from tests.channels.house import DEADLINE_S, Cursors, until

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

Frame = dict[str, Any]


class House:
    """Keeps every new thing once. ``outage``: raised instead. ``gate``: while it is clear, nothing is committed."""

    def __init__(self) -> None:
        self.now = START
        self.outage: SiyuError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting_at_gate = 0
        self.taken: list[Receive] = []
        self.confirmations: list[str] = []
        self.contacts: dict[tuple[Channel, Account, str], ContactId] = {}
        self.history = MemoryHistory()
        self.uploads = MemoryUploads()

    def desk(
        self,
        *,
        history: History | None = None,
        public_url: str | None = None,
        brand: str = "Tea & Co",
        locale: str = "en",
    ) -> Desk:
        return Desk(
            intake=self.intake,
            history=history or self.history,
            cursors=Cursors(),
            contact_of=lambda channel, account, external_id: self.contacts.get(
                (channel, account, external_id)
            ),
            confirmed=self.confirmed,
            accepted=self.confirmed,
            all_said=self.all_said,
            clock=lambda: self.now,
            public_url=public_url,
            brand=brand,
            locale=locale,
            say=Texts("en").say,
            uploads=self.uploads,
            link=lambda media: f"/media/{media}",
        )

    async def intake(self, received: Sequence[Receive]) -> None:
        self.waiting_at_gate += 1
        await self.gate.wait()
        self.waiting_at_gate -= 1
        if self.outage is not None:
            raise self.outage
        for one in received:
            self._take(one)

    async def all_said(self, contact: ContactId) -> None:
        del contact

    async def confirmed(self, delivery: str) -> None:
        if self.outage is not None:
            raise self.outage
        self.confirmations.append(delivery)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def knows(self, external_id: str, account: str = "main") -> ContactId:
        key = (Channel("webchat"), Account(account), external_id)
        return self.contacts.setdefault(key, ContactId(f"contact-of-{external_id[:8]}"))

    def has_said(self, external_id: str, *said: Said) -> None:
        self.history.said.setdefault(self.knows(external_id), []).extend(said)

    def _take(self, received: Receive) -> None:
        if any(received.key == known.key and received.account == known.account for known in self.taken):
            return
        self.taken.append(received)
        assert received.sender is not None
        contact = self.knows(received.sender.external_id, received.account)
        if isinstance(received.content, Message):
            id_ = str(received.content.provider_message)
            said = Said(id_, received.occurred_at, by_customer=True, text=received.content.text)
            self.history.said.setdefault(contact, []).append(said)


class Visit:
    """A plain client on an open socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, frame: Frame) -> None:
        await self.socket.send(json.dumps(frame))

    async def say(self, text: str, id_: str | None = None) -> str:
        id_ = id_ or str(uuid.uuid4())
        await self.send({"type": "message", "id": id_, "text": text})
        return id_

    async def next(self) -> Frame:
        async with asyncio.timeout(DEADLINE_S):
            frame: Frame = json.loads(await self.socket.recv())
            return frame

    async def next_of(self, type_: str) -> Frame:
        while (frame := await self.next())["type"] != type_:
            pass
        return frame

    async def frames_so_far(self) -> list[Frame]:
        """Everything that was sent before the answer to a ping."""
        await self.send({"type": "ping"})
        frames: list[Frame] = []
        while (frame := await self.next()) != {"type": "pong"}:
            frames.append(frame)
        return frames

    async def closed_with(self) -> int | None:
        async with asyncio.timeout(DEADLINE_S):
            await self.socket.wait_closed()
        return self.socket.close_code


class Server:
    """The channel behind uvicorn, on a free port of loopback."""

    def __init__(
        self,
        house: House,
        *,
        name: str = "main",
        settings: Mapping[str, str] | None = None,
        desk: Desk | None = None,
    ) -> None:
        self.house = house
        self.adapter: Adapter = open_channel(name, settings or {}, desk or house.desk())
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.authority = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = f"http://{self.authority}"
        app = Starlette(routes=self.adapter.routes())
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=5
        )
        self._uvicorn = uvicorn.Server(config)

    async def __aenter__(self) -> Self:
        await self.adapter.start()
        self._running = asyncio.create_task(self._uvicorn.serve(sockets=[self._listening]))
        await until(lambda: self._uvicorn.started)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.house.gate.set()
        await self.adapter.stop()
        self._uvicorn.should_exit = True
        await self._running

    @asynccontextmanager
    async def visit(self, query: str = "", **headers: str) -> AsyncIterator[Visit]:
        """Open a socket; ``accept_language="zh"`` is a header."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        address = f"ws://{self.authority}/chat/ws{query}"
        # Without compression, as a test counts what fits into the buffers between the two sides.
        async with connect(
            address, additional_headers=sent, compression=None, proxy=None, open_timeout=DEADLINE_S
        ) as connection:
            yield Visit(connection)


def address_of(external_id: str, account: str = "main") -> Address:
    return Address(Party.CONTACT, Channel("webchat"), Account(account), external_id)


def outbound(
    external_id: str,
    key: str = "delivery-1",
    text: str = "Hello",
    choices: tuple[tuple[tuple[str, str], ...], ...] = (),
) -> Outbound:
    return Outbound(key=key, to=address_of(external_id), text=text, choices=choices)
