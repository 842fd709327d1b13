"""D5, D7: two processes on one PostgreSQL: whatever comes to both at once is one event and one answer."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.wechat import WeChatSimulator
from channels.simulators.wechat.notices import Fields, text, xml_of
from channels.simulators.wechat.replies import read_answer
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Event, Installation, by_webhook, free_port, until_async
from tests.scenarios.visits import deliver, post_callback, update
from tests.scenarios.wechat_account import of_wechat

REPEATS = 5
"""Of each update, at each process."""
UPDATES = 20
CALLBACKS = 8
ANSWER = "we heard you"


async def both(
    installs: Installs, settings: Callable[[int], dict[str, str]], database: str, key: Path
) -> tuple[Installation, Installation]:
    """Two processes of one installation. ``settings``: of the one at a port."""
    shared = {"SIYU_DATABASE": database, "SIYU_MASTER_KEY_FILE": str(key), "SIYU_STARTER_RULES": "false"}
    ports = free_port(), free_port()
    one, two = (installs(settings(port) | shared, name=f"process-{port}", port=port) for port in ports)
    await one.start()
    await one.do(f"/rule add any => {ANSWER}")
    await two.start()
    return one, two


async def insist(siyu: Installation, raw: dict[str, object]) -> None:
    """Deliver until it is taken, as a provider does."""
    while (status := await deliver(siyu, raw)) != 200:
        assert status == 503


async def test_an_update_that_comes_to_both_at_once_is_one_event_and_one_answer(
    telegram: TelegramSimulator, installs: Installs, postgres_url: str, tmp_path: Path
) -> None:
    one, two = await both(
        installs, lambda port: by_webhook(telegram, port), postgres_url, tmp_path / "master.key"
    )
    telegram.user(5001, "Ada").starts()
    await telegram.wait_for(bool)
    updates = [update(n, f"message {n}") for n in range(1, 1 + UPDATES)]
    for raw in updates:
        await asyncio.gather(*(insist(siyu, raw) for siyu in (one, two) for _ in range(REPEATS)))
    await telegram.wait_for(lambda sent: len(sent) >= 1 + UPDATES, timeout_s=60)

    events = await until_async(one.settled)
    said = [event["data"]["text"] for event in events if event["type"] == "message-received/1"]
    assert said == ["/start", *(f"message {n}" for n in range(1, 1 + UPDATES))]
    assert [sent.text for sent in telegram.sent] == [ANSWER] * (1 + UPDATES)
    assert (await one.siyu("verify")).code == 0
    assert await one.stop() == await two.stop() == 0


async def test_fifty_messages_at_once_from_somebody_new_make_one_customer(
    telegram: TelegramSimulator, installs: Installs, postgres_url: str, tmp_path: Path
) -> None:
    one, two = await both(
        installs, lambda port: by_webhook(telegram, port), postgres_url, tmp_path / "master.key"
    )
    ada = telegram.user(5001, "Ada")
    ada.person.started = True
    updates = [update(n, f"message {n}") for n in range(50)]
    await asyncio.gather(*(insist((one, two)[n % 2], raw) for n, raw in enumerate(updates)))
    await telegram.wait_for(lambda sent: len(sent) >= 50, timeout_s=60)

    events = await until_async(one.settled)
    kinds = Counter(event["type"] for event in events)
    assert (kinds["contact-seen/1"], kinds["customer-created/1"], kinds["message-received/1"]) == (1, 1, 50)
    said = {event["data"]["text"] for event in events if event["type"] == "message-received/1"}
    assert said == {f"message {n}" for n in range(50)}
    assert [sent.text for sent in telegram.sent] == [ANSWER] * 50


def message(wechat: WeChatSimulator, openid: str, number: int) -> bytes:
    """A message said now; WeChat opens the window for five customer-service messages."""
    now = time.time()
    wechat.user(openid).person.window.message_came(now)
    header: Fields = [
        ("ToUserName", wechat.account.original_id),
        ("FromUserName", openid),
        ("CreateTime", int(now)),
    ]
    return xml_of([*header, *text(f"message {number}"), ("MsgId", 24_000_000_000 + number)])


async def insist_on(siyu: Installation, wechat: WeChatSimulator, openid: str, xml: bytes) -> bool:
    """Post a callback until it is taken, as WeChat does; return whether Siyu's answer is in the request."""
    while True:
        status, body = await post_callback(siyu, wechat.account, openid, xml)
        if status == HTTPStatus.OK:
            break
        assert status == HTTPStatus.SERVICE_UNAVAILABLE
    reply = read_answer(body, wechat.account, openid, lambda _: False)
    assert reply is None or reply.text == ANSWER
    return reply is not None


async def all_decided(siyu: Installation, deliveries: int) -> list[Event]:
    """Return the log once so many deliveries were planned and each has an outcome."""

    async def decided() -> list[Event]:
        events = await siyu.settled()
        return events if sum(e["type"] == "delivery-planned/1" for e in events) >= deliveries else []

    return await until_async(decided)


def texts_of(events: list[Event]) -> list[str]:
    return [event["data"]["text"] for event in events if event["type"] == "message-received/1"]


def refused(wechat: WeChatSimulator) -> list[int | None]:
    """What WeChat answered to the sends that it did not take."""
    sends = [call for call in wechat.requests if call.path == "message/custom/send"]
    return [call.errcode for call in sends if call.errcode != 0]


@pytest.mark.parametrize("reply", ["auto", "service"])
async def test_a_callback_that_comes_to_both_at_once_is_one_event_and_one_answer(
    reply: str, installs: Installs, postgres_url: str, tmp_path: Path
) -> None:
    async with WeChatSimulator() as wechat:
        shop = of_wechat(wechat, reply=reply)
        one, two = await both(installs, lambda _: shop, postgres_url, tmp_path / "master.key")
        in_requests = 0
        for number in range(1, 1 + CALLBACKS):
            openid = f"o-{number}"
            xml = message(wechat, openid, number)
            answers = await asyncio.gather(
                *(insist_on(siyu, wechat, openid, xml) for siyu in (one, two) for _ in range(REPEATS))
            )
            answering = {n // REPEATS for n, answered in enumerate(answers) if answered}
            assert len(answering) <= 1
            in_requests += len(answering)
        events = await all_decided(one, CALLBACKS)
        assert texts_of(events) == [f"message {n}" for n in range(1, 1 + CALLBACKS)]
        started = Counter(event["stream"] for event in events if event["type"] == "delivery-started/1")
        assert set(started.values()) == {1}
        assert in_requests + len(wechat.sent) == len(started) == CALLBACKS
        assert (in_requests > 0) is (reply == "auto")
        assert (await one.siyu("verify")).code == 0
        assert await one.stop() == await two.stop() == 0


async def test_fifty_callbacks_at_once_from_somebody_new_make_one_customer(
    installs: Installs, postgres_url: str, tmp_path: Path
) -> None:
    async with WeChatSimulator() as wechat:
        shop = of_wechat(wechat)
        one, two = await both(installs, lambda _: shop, postgres_url, tmp_path / "master.key")
        callbacks = [message(wechat, "o-mei", number) for number in range(50)]
        answered = await asyncio.gather(
            *(insist_on((one, two)[n % 2], wechat, "o-mei", xml) for n, xml in enumerate(callbacks))
        )

        events = await all_decided(one, 50)
        kinds = Counter(event["type"] for event in events)
        assert (kinds["contact-seen/1"], kinds["customer-created/1"], kinds["message-received/1"]) == (
            1,
            1,
            50,
        )
        assert set(texts_of(events)) == {f"message {n}" for n in range(50)}
        left_out = kinds["delivery-suppressed/1"]  # five after a message, besides what its own request takes
        shown = sum(answered) + len(wechat.sent)
        assert (shown + left_out, refused(wechat)) == (50, [])
        assert await one.stop() == await two.stop() == 0
