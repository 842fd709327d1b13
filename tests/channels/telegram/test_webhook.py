from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from channels.simulators.telegram import TelegramSimulator
from domain.conversations.commands import Message
from domain.conversations.events import MessageReceived, UpdateNotUnderstood
from domain.errors import StoreUnavailable
from domain.identity import Slug
from tests.channels.house import House, Web, until
from tests.channels.telegram.harness import SECRET, Pauses, TelegramHarness, open_adapter
from tests.channels.telegram.scripted import ScriptedApi, text_update

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
ALLOWED = ["callback_query", "chat_member", "edited_message", "message", "my_chat_member"]
GOOD: dict[str, str] = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}


class Door:
    """Knocks at the webhook as Telegram does, or as somebody else."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session

    async def post(self, body: bytes, **headers: str) -> tuple[int, str]:
        sent = GOOD | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.post(self._url, data=body, headers=sent) as response:
            return response.status, await response.text()


@pytest.fixture
async def door(webhook: TelegramHarness) -> AsyncIterator[Door]:
    info = await webhook_info(webhook.simulator, until_registered=True)
    async with aiohttp.ClientSession() as session:
        yield Door(info["url"], session)


async def webhook_info(simulator: TelegramSimulator, *, until_registered: bool = False) -> dict[str, Any]:
    url = f"{simulator.base}/bot{simulator.token}/getWebhookInfo"
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as response:
                info: dict[str, Any] = (await response.json())["result"]
            if info["url"] or not until_registered:
                return info


def texts(house: House) -> list[str]:
    return [message.text.value for message in house.events(MessageReceived)]


async def test_the_webhook_is_registered_with_its_path_and_every_kind_we_read(
    webhook: TelegramHarness,
) -> None:
    info = await webhook_info(webhook.simulator, until_registered=True)
    assert info["url"].endswith("/webhooks/telegram")
    assert info["allowed_updates"] == ALLOWED


async def test_an_update_with_the_secret_is_answered_200_once_it_is_in_the_log(
    door: Door, house: House
) -> None:
    assert await door.post(text_update(5, "hello")) == (200, "")
    assert texts(house) == ["hello"]


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], SECRET.upper(), "密"])
async def test_a_missing_or_forged_secret_is_401_whatever_the_body_and_leaves_nothing(
    secret: str, door: Door, house: House
) -> None:
    for body in (text_update(5, "hello"), b"no json", b"{}"):
        headers = {SECRET_HEADER: secret.encode().decode("latin-1")}
        assert await door.post(body, **headers) == (401, "the secret token is missing or wrong\n")
    assert (house.handed_in, house.log.head()) == ([], 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"update_id": true}',
        b'{"update_id": ' + b"9" * 5_000 + b"}",
        b'{"update_id": 5, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
async def test_what_is_no_update_is_400_and_leaves_nothing(body: bytes, door: Door, house: House) -> None:
    status, _ = await door.post(body)
    assert (status, house.handed_in) == (400, [])


async def test_another_content_type_or_encoding_is_400(door: Door, house: House) -> None:
    statuses = [
        (await door.post(text_update(5, "hello"), Content_Type="text/plain"))[0],
        (await door.post(text_update(5, "hello"), Content_Encoding="gzip"))[0],
    ]
    assert (statuses, house.handed_in) == ([400, 400], [])


async def test_an_update_of_an_unknown_kind_is_kept_and_answered_200(door: Door, house: House) -> None:
    body = b'{"update_id": 5, "sent_from_the_future": {}}'
    assert await door.post(body) == (200, "")
    (recorded,) = house.events(UpdateNotUnderstood)
    assert recorded.reason == Slug("unknown-kind")
    assert recorded.raw is not None
    assert recorded.raw.value == body


async def test_a_log_that_cannot_take_it_is_503(door: Door, house: House) -> None:
    house.failures = [StoreUnavailable("disk full")]
    assert await door.post(text_update(5, "hello")) == (503, "disk full\n")
    assert await door.post(text_update(5, "hello")) == (200, "")
    assert texts(house) == ["hello"]


async def test_what_the_domain_refuses_is_recorded_without_a_meaning_and_does_not_come_again(
    door: Door, house: House
) -> None:
    house.refuses = lambda received: isinstance(received.content, Message)
    assert await door.post(text_update(5, "hello")) == (200, "")
    assert [one.reason for one in house.events(UpdateNotUnderstood)] == [Slug("malformed")]


async def test_registering_is_tried_until_telegram_is_there_and_messages_come_in_meanwhile(
    house: House,
) -> None:
    pauses = Pauses()
    web = Web()
    settings = {"mode": "webhook", "webhook_secret": SECRET}
    async with TelegramSimulator() as simulator:
        simulator.faults.add(kind="server_error_before", method="getMe", times=1_000)
        adapter = open_adapter(house, simulator, public_url=web.url, settings=settings, pauses=pauses)
        async with web.serving(adapter), aiohttp.ClientSession() as session:
            await until(lambda: len(pauses.asked_s) >= 3)
            door = Door(f"{web.url}/webhooks/telegram", session)
            assert await door.post(text_update(5, "hello")) == (200, "")
            simulator.faults.clear()
            await webhook_info(simulator, until_registered=True)
    assert texts(house) == ["hello"]


async def test_a_further_account_has_a_path_of_its_own_and_an_address_telegram_refuses_is_told(
    house: House, scripted: ScriptedApi
) -> None:
    refused = (
        b'{"ok":false,"error_code":400,"description":"Bad Request: bad webhook: HTTPS url must be provided"}'
    )
    scripted.answers["setWebhook"] = (400, refused)
    web, pauses = Web(), Pauses()
    settings = {"mode": "webhook", "webhook_secret": SECRET}
    adapter = open_adapter(house, scripted, name="shop", public_url=web.url, settings=settings, pauses=pauses)
    with capture_logs() as logs:
        async with web.serving(adapter), aiohttp.ClientSession() as session:
            await until(lambda: pauses.asked_s)
            door = Door(f"{web.url}/webhooks/telegram/shop", session)
            assert await door.post(text_update(5, "hello")) == (200, "")
    registered = [parameters["url"] for method, parameters in scripted.calls if method == "setWebhook"]
    assert registered[0] == f"{web.url}/webhooks/telegram/shop"
    assert logs[0]["event"] == "telegram refuses the webhook's address: check SIYU_PUBLIC_URL"
    assert SECRET not in str(logs)


async def test_a_webhook_stays_registered_when_the_bot_stops(house: House) -> None:
    web = Web()
    settings = {"mode": "webhook", "webhook_secret": SECRET}
    async with TelegramSimulator() as simulator:
        async with web.serving(open_adapter(house, simulator, public_url=web.url, settings=settings)):
            before = await webhook_info(simulator, until_registered=True)
        assert await webhook_info(simulator) == before
