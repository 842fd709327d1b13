"""A picture from one channel shown in another: the whole of Siyu on loopback, Telegram simulated, a visitor on a real socket."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect

from bot.app import App, Binding
from bot.bootstrap import open_app, open_house, prepare
from bot.house import House
from bot.settings import load
from channels.simulators.telegram import TelegramSimulator
from channels.webchat.visitor import COOKIE, new_token
from domain.contacts.events import ContactSeen
from domain.conversations.events import MessageReceived
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass, DeliverySuppressed
from domain.identity import ContactId, DeliveryId, MediaId, Slug, SubjectId
from domain.media.events import MediaKept, MediaRefused
from domain.message import Personal
from tests.bot.media.samples import SVG

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2_000
DEADLINE_S = 20.0


@dataclass
class Shop:
    house: House
    app: App
    telegram: TelegramSimulator

    def events(self, kind: type[Any]) -> list[Any]:
        return [r.event for r in self.house.log.read(0, 10_000) if isinstance(r.event, kind)]

    async def first(self, kind: type[Any], fits: Callable[[Any], bool] = lambda _event: True) -> Any:  # noqa: ANN401  # an event of the kind
        async with asyncio.timeout(DEADLINE_S):
            while not (found := [event for event in self.events(kind) if fits(event)]):
                await asyncio.sleep(0.02)
        return found[0]

    async def contact(self, channel: str) -> ContactSeen:
        seen: ContactSeen = await self.first(ContactSeen, lambda event: event.channel == channel)
        return seen

    async def sends(self, to: ContactSeen, media: MediaId, text: str) -> None:
        now = self.house.clock()
        plan = PlanDelivery(
            delivery=DeliveryId(uuid.uuid4().hex),
            subject=SubjectId(f"contact-{to.contact}"),
            kind=DeliveryClass.REPLY,
            occasion=Slug("operator-reply"),
            contact=ContactId(to.contact),
            customer=to.customer,
            text=Personal(text),
            verbatim=True,
            not_before=now,
            expires_at=now + timedelta(days=1),
            media=media,
        )
        await asyncio.to_thread(self.house.do, "operator-li", plan)


@asynccontextmanager
async def at_work(house: House, telegram: TelegramSimulator) -> AsyncIterator[Shop]:
    app = open_app(house, Binding("127.0.0.1", 0))
    stop = asyncio.Event()
    running = asyncio.create_task(app.run(stop))
    try:
        async with asyncio.timeout(DEADLINE_S):
            await app.ready.wait()
        yield Shop(house, app, telegram)
    finally:
        stop.set()
        await running


def opened(folder: Path, telegram: TelegramSimulator) -> House:
    variables = {
        "SIYU_DATA": str(folder),
        "SIYU_STARTER_RULES": "false",
        "SIYU_TELEGRAM__TOKEN": telegram.token,
        "SIYU_TELEGRAM__API_BASE": telegram.base,
    }
    house = open_house(load(variables), variables)
    prepare(house)
    return house


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with TelegramSimulator() as telegram:
        house = opened(tmp_path / "data", telegram)
        try:
            async with at_work(house, telegram) as shop:
                yield shop
        finally:
            house.close()


@asynccontextmanager
async def visitor(shop: Shop, token: str) -> AsyncIterator[ClientConnection]:
    address = shop.house.address.replace("http", "ws") + "/chat/ws"
    headers = {"Cookie": f"{COOKIE}={token}"}
    async with connect(address, additional_headers=headers, proxy=None, open_timeout=DEADLINE_S) as socket:
        yield socket


async def message(socket: ClientConnection) -> dict[str, Any]:
    """The next message that the visitor is shown."""
    async with asyncio.timeout(DEADLINE_S):
        while (frame := json.loads(await socket.recv()))["type"] != "message":
            pass
    shown: dict[str, Any] = frame
    return shown


async def test_a_picture_from_telegram_is_shown_to_a_visitor_of_the_web_chat(shop: Shop) -> None:
    shop.telegram.user(7, "Mei", "mei", "zh").sends_photo("look", content=PICTURE)
    kept = await shop.first(MediaKept)
    async with visitor(shop, new_token()) as socket, aiohttp.ClientSession() as http:
        await socket.send(json.dumps({"type": "message", "id": str(uuid.uuid4()), "text": "hi"}))
        await shop.sends(await shop.contact("webchat"), kept.media, "from Mei")
        shown = await message(socket)
        assert (shown["text"], shown["file"]["kind"], shown["file"]["name"]) == (
            "from Mei",
            "photo",
            "photo.png",
        )
        async with http.get(shop.house.address + shown["file"]["url"]) as answer:
            assert (answer.status, await answer.read()) == (200, PICTURE)
            assert answer.headers["Content-Disposition"].startswith("attachment")


async def test_a_picture_from_the_web_chat_is_shown_in_telegram_and_again_to_the_visitor(shop: Shop) -> None:
    mei, token = shop.telegram.user(7, "Mei", "mei", "zh"), new_token()
    mei.says("hello")
    to = await shop.contact("telegram")
    async with visitor(shop, token) as socket, aiohttp.ClientSession() as http:
        posted = {"Cookie": f"{COOKIE}={token}", "X-File-Name": "tea.png"}
        async with http.post(shop.house.address + "/chat/media", data=PICTURE, headers=posted) as answer:
            handle = (await answer.json())["file"]
        frame = {"type": "message", "id": str(uuid.uuid4()), "text": "", "file": handle}
        await socket.send(json.dumps(frame))
        kept = await shop.first(MediaKept)
    await shop.sends(to, kept.media, "from a visitor")
    async with asyncio.timeout(DEADLINE_S):
        while not (photos := [sent for sent in shop.telegram.sent if sent.method == "sendPhoto"]):
            await asyncio.sleep(0.02)
    assert [photos[0].text, PICTURE in photos[0].params.values()] == ["from a visitor", True]
    async with visitor(shop, token) as socket:
        shown = await message(socket)
        assert (shown["from"], shown["file"]["name"], shown["file"]["url"] is not None) == (
            "me",
            "tea.png",
            True,
        )


async def test_a_lying_picture_is_refused_and_its_message_is_there(shop: Shop) -> None:
    shop.telegram.user(7, "Mei", "mei", "zh").sends_photo("look", content=SVG)
    assert (await shop.first(MediaRefused)).reason == "lying-type"
    assert (await shop.first(MessageReceived)).text.value == "look"


async def test_a_message_whose_picture_was_destroyed_is_left_out_and_says_why(shop: Shop) -> None:
    mei = shop.telegram.user(7, "Mei", "mei", "zh")
    mei.sends_photo("look", content=PICTURE)
    kept = await shop.first(MediaKept)
    assert shop.house.media.destroy(SubjectId(f"contact-{kept.contact}")) == 1
    await shop.sends(await shop.contact("telegram"), kept.media, "yours")
    assert (await shop.first(DeliverySuppressed)).reason == "media-gone"
    assert [sent.method for sent in shop.telegram.sent if sent.method.startswith("send")] == []
