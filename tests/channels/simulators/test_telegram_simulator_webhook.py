import asyncio

import pytest

from channels.simulators.telegram import TelegramSimulator
from tests.channels.simulators.bot_side import Api, Clock, Receiver, until

NOW = int(Clock().now)


def texts(receiver: Receiver) -> list[str]:
    return [update["message"]["text"] for update in receiver.accepted]


async def test_updates_are_posted_with_the_secret(
    telegram: TelegramSimulator, api: Api, receiver: Receiver
) -> None:
    telegram.user(7, "Mei").says("before")
    await api.result("setWebhook", url=receiver.url, secret_token="s3cret_-X")
    telegram.user(7, "Mei").says("after")
    await until(lambda: not telegram.pending_updates)
    assert texts(receiver) == ["before", "after"]
    assert [secret for secret, _ in receiver.requests] == ["s3cret_-X", "s3cret_-X"]


async def test_an_update_is_delivered_again_until_a_2xx_and_holds_up_its_own_chat_only(
    telegram: TelegramSimulator, api: Api, receiver: Receiver
) -> None:
    receiver.status = 503
    await api.result("setWebhook", url=receiver.url)
    mei, lin = telegram.user(7, "Mei"), telegram.user(8, "Lin")
    mei.says("one")
    mei.says("two")
    lin.says("three")
    await until(lambda: len(receiver.requests) > 7)
    assert {update["message"]["text"] for _, update in receiver.requests} == {"one", "three"}
    assert await api.result("getWebhookInfo") == {
        "url": receiver.url,
        "has_custom_certificate": False,
        "pending_update_count": 3,
        "max_connections": 40,
        "ip_address": "127.0.0.1",
        "last_error_date": NOW,
        "last_error_message": "Wrong response from the webhook: 503 Service Unavailable",
    }
    receiver.status = 200
    await until(lambda: not telegram.pending_updates)
    assert sorted(texts(receiver)) == ["one", "three", "two"]
    assert texts(receiver).index("one") < texts(receiver).index("two")


async def test_pending_updates_outlive_a_receiver_that_dies(
    telegram: TelegramSimulator, api: Api, receiver: Receiver
) -> None:
    await api.result("setWebhook", url=receiver.url)
    await receiver.stop()
    telegram.user(7, "Mei").says("anyone?")
    await until(lambda: telegram.pending_updates)
    async with asyncio.timeout(10):
        while "last_error_message" not in (info := await api.result("getWebhookInfo")):
            await asyncio.sleep(0.005)
    assert info["last_error_message"] == "Connection refused"
    await receiver.start()
    await until(lambda: not telegram.pending_updates)
    assert texts(receiver) == ["anyone?"]


async def test_chats_are_served_in_parallel_up_to_max_connections(
    telegram: TelegramSimulator, api: Api, receiver: Receiver
) -> None:
    receiver.gate.clear()
    await api.result("setWebhook", url=receiver.url, max_connections=2)
    for user_id in (1, 2, 3):
        telegram.user(user_id, "Mei").says(f"from {user_id}")
    telegram.user(1, "Mei").says("again")
    await until(lambda: len(receiver.requests) == 2)
    receiver.gate.set()
    await until(lambda: not telegram.pending_updates)
    first_two = {update["message"]["text"] for _, update in receiver.requests[:2]}
    assert first_two == {"from 1", "from 2"}
    assert len(receiver.accepted) == 4


async def test_a_webhook_ends_polling_and_deleting_it_leaves_what_was_not_delivered(
    telegram: TelegramSimulator, api: Api, receiver: Receiver
) -> None:
    receiver.status = 500
    poll = asyncio.create_task(api.refusal("getUpdates", timeout=30))
    await until(lambda: telegram.polling)
    await api.result("setWebhook", url=receiver.url)
    assert await poll == (409, "Conflict: terminated by setWebhook request")
    status, reason = await api.refusal("getUpdates")
    assert (status, reason.partition(";")[0]) == (
        409,
        "Conflict: can't use getUpdates method while webhook is active",
    )
    telegram.user(7, "Mei").says("hello")
    await until(lambda: receiver.requests)
    await api.result("deleteWebhook")
    assert [update["message"]["text"] for update in await api.result("getUpdates")] == ["hello"]


async def test_dropped_updates_are_not_delivered(
    telegram: TelegramSimulator, api: Api, receiver: Receiver
) -> None:
    telegram.user(7, "Mei").says("old")
    await api.result("setWebhook", url=receiver.url, drop_pending_updates=True)
    telegram.user(7, "Mei").says("new")
    await until(lambda: receiver.accepted)
    assert texts(receiver) == ["new"]


@pytest.mark.parametrize(
    "parameters, reason",
    [
        ({"url": "ftp://127.0.0.1/"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        ({"url": "http:///path"}, "invalid webhook URL specified"),
        ({"url": "http://127.0.0.1:99999/"}, "invalid webhook URL specified"),
        ({"url": "http://127.0.0.1/", "secret_token": "a" * 257}, "secret token is too long"),
        ({"url": "http://127.0.0.1/", "secret_token": "a b"}, "secret token contains unallowed characters"),
    ],
)
async def test_a_bad_webhook_is_refused(api: Api, parameters: dict[str, str], reason: str) -> None:
    assert await api.refusal("setWebhook", **parameters) == (400, f"Bad Request: {reason}")
    assert (await api.result("getWebhookInfo"))["url"] == ""
