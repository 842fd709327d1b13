"""The web chat under the contract suite: a page that keeps what is not acknowledged, and comes back when it is cut off."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, ClassVar, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from channels.channel import Adapter
from channels.webchat import open_channel
from channels.webchat.visitor import external_id
from domain.identity import Account, Address, Channel, ContactId, Party, ProviderMessageId
from domain.ports.history import MemoryHistory, Said
from domain.ports.messenger import Messenger, Outbound
from tests.channels.harness import Shown
from tests.channels.house import NOW, House, Web, until

_TOKEN = "T" * 43
_CONTACT = ContactId("visitor")


class WebChatHarness:
    """See ChannelHarness. The provider that hands over again is the customer's own page."""

    FAULTS: ClassVar[tuple[str, ...]] = ("window-closed", "never-here")

    def __init__(self, adapter: Adapter, history: MemoryHistory, address: str) -> None:
        self.customer = Address(Party.CONTACT, Channel("webchat"), Account("main"), external_id(_TOKEN))
        self.known = True
        self._inner, self._history, self._address = adapter, history, address
        self._outbox: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._shown: dict[str, Shown] = {}
        self._socket: ClientConnection | None = None
        self.adapter: Adapter = _Patient(adapter, self)

    @classmethod
    @asynccontextmanager
    async def open(cls, house: House) -> AsyncIterator[Self]:
        history = MemoryHistory()
        web = Web()
        harness: list[Self] = []
        desk = replace(
            house.desk(),
            history=history,
            contact_of=lambda _channel, _account, _id: _CONTACT if harness[0].known else None,
        )
        adapter = open_channel("main", {}, desk)
        harness.append(cls(adapter, history, web.url.replace("http", "ws", 1) + "/chat/ws"))
        async with web.serving(adapter):
            page = asyncio.create_task(harness[0].lives())
            await until(harness[0].is_open)
            yield harness[0]
            page.cancel()
            with suppress(asyncio.CancelledError):
                await page

    def says(self, text: str) -> None:
        self._puts({"type": "message", "id": str(uuid.uuid4()), "text": text})

    def does_something_unknown(self) -> None:
        self._puts({"type": "sing", "id": str(uuid.uuid4())})

    def waiting(self) -> int:
        return len(self._outbox)

    def breaks(self, fault: str) -> None:
        match fault:
            case "window-closed":
                assert self._socket is not None
                self._socket.transport.abort()
            case "never-here":
                self.known = False
            case _:
                raise AssertionError(f"the web chat has no fault {fault}")

    def shown(self) -> list[Shown]:
        return list(self._shown.values())

    def is_open(self) -> bool:
        return self._socket is not None

    def has_shown(self, id_: str) -> bool:
        return id_ in self._shown

    def starts(self, outbound: Outbound) -> None:
        """The house records a delivery's start before it is sent, and its history has it from then on."""
        said = Said(outbound.key, NOW, by_customer=False, text=outbound.text, choices=outbound.choices)
        self._history.said.setdefault(_CONTACT, []).append(said)

    async def lives(self) -> None:
        """Be connected, and connect again whenever the socket ends."""
        while True:
            with suppress(ConnectionClosed):
                async with connect(
                    self._address, additional_headers={"Cookie": f"siyu_visitor={_TOKEN}"}, proxy=None
                ) as socket:
                    await self._talks(socket)

    def _puts(self, frame: dict[str, Any]) -> None:
        self._outbox.append(frame)
        self._news.set()

    async def _talks(self, socket: ClientConnection) -> None:
        self._socket = socket
        sender = asyncio.create_task(self._sends(socket))
        try:
            async for text in socket:
                self._hears(json.loads(text))
        finally:
            self._socket = None
            sender.cancel()
            await asyncio.wait({sender})

    async def _sends(self, socket: ClientConnection) -> None:
        """Send what is next in the outbox, whenever there is something or the last one was answered."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._outbox:
                await socket.send(json.dumps(self._outbox[0]))

    def _hears(self, frame: dict[str, Any]) -> None:
        match frame:
            case {"type": "session"}:
                self._news.set()
            case {"type": "message", "from": "shop", "id": id_, "text": text, "choices": choices}:
                rows = tuple(tuple((label, data) for label, data in row) for row in choices)
                self._shown.setdefault(id_, Shown(text, rows))
            case {"type": "error", "reason": "unavailable" | "too-fast"}:
                self._news.set()
            case {"type": "ack" | "error", "id": id_} if self._outbox and self._outbox[0]["id"] == id_:
                self._outbox.pop(0)
                self._news.set()


class _Patient:
    """The adapter; a send returns when the customer's page has the message, which otherwise takes a moment longer."""

    def __init__(self, adapter: Adapter, harness: WebChatHarness) -> None:
        self.channel, self.account, self.limits = adapter.channel, adapter.account, adapter.limits
        self.media, self.menus, self.tags = adapter.media, adapter.menus, adapter.tags
        self.codes, self.buttons, self.profiles = adapter.codes, adapter.buttons, adapter.profiles
        self.recalls = adapter.recalls
        self.routes, self.start, self.stop = adapter.routes, adapter.start, adapter.stop
        self.messenger: Messenger = self
        self._messenger, self._harness = adapter.messenger, harness

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        if self._harness.known:
            self._harness.starts(outbound)
        sent = await self._messenger.send(outbound)
        await until(lambda: self._harness.has_shown(outbound.key))
        return sent
