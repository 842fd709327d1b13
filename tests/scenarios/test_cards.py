"""Cards on the real program: a customer in the web chat, an operator in Telegram, and a power failure in between."""

import re
from collections.abc import Sequence

import pytest

from channels.simulators.telegram import Sent, TelegramSimulator, User
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, by_polling, until_async
from tests.scenarios.test_crash_points import OUTBOUND, SENT_AND_NOT_NOTED, Deaths
from tests.scenarios.visitor import Visitor

CUSTOMERS = 200


async def bound(siyu: Installation, telegram: TelegramSimulator) -> User:
    """Return an operator whose account in Telegram is bound."""
    greeting = await siyu.start()
    code = re.search(r"/bind (\S+)", greeting)
    assert code is not None, greeting
    olga = telegram.user(4001, "Olga")
    olga.starts()
    olga.says(f"/bind {code[1]}")
    await heard(telegram, olga, "This account is yours now")
    return olga


async def heard(telegram: TelegramSimulator, whom: User, part: str) -> Sent:
    """Wait until somebody was sent something, and return it."""

    def found(sent: Sequence[Sent]) -> list[Sent]:
        return [one for one in sent if one.chat_id == whom.id and part in (one.text or "")]

    return (await telegram.wait_for(found, timeout_s=30))[-1]


async def test_a_customer_of_the_web_chat_is_answered_from_a_card_in_telegram(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs({**by_polling(telegram), "SIYU_STARTER_RULES": "false"})
    olga = await bound(siyu, telegram)
    async with Visitor(siyu.address) as visitor:
        await visitor.says("how much is the tea?")
        await visitor.hears_until_shown(0)
        card = await heard(telegram, olga, "how much is the tea?")
        assert (card.text or "").split("\n")[0] == "#2 · Web chat"
        await until_async(siyu.settled)
        await siyu.kill()
        await siyu.start()
        assert card.message_id is not None
        olga.says("100 a tin\nand 180 for two", reply_to=card.message_id)
        await heard(telegram, olga, "✓ #2")
        await visitor.connect(siyu.address)
        await visitor.hears_until_shown(1)
        assert list(visitor.shown.values()) == ["100 a tin\nand 180 for two"]

        olga.presses(card, "/tag #2")
        await heard(telegram, olga, "Which tag for #2?")
        olga.says("vip")
        await heard(telegram, olga, "has the tag vip now")
    await until_async(siyu.settled)
    assert [one.text for one in telegram.sent if one.text and "how much" in one.text] == [card.text]


async def test_of_two_hundred_customers_at_once_none_is_lost_though_the_power_fails(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs({**by_polling(telegram), "SIYU_STARTER_RULES": "false"})
    olga = await bound(siyu, telegram)
    for number in range(CUSTOMERS):
        telegram.user(5001 + number, f"Customer {number}").says(f"question {number}")
    await until_async(lambda: all_came(siyu))
    await siyu.kill()
    await siyu.start()

    def told(sent: Sequence[Sent]) -> set[int]:
        texts = [one.text or "" for one in sent if one.chat_id == olga.id]
        numbers = {int(n) for text in texts for n in re.findall(r"^#(\d+)", text, re.MULTILINE)}
        return numbers if len(numbers) >= CUSTOMERS else set()

    assert await telegram.wait_for(told, timeout_s=90) == set(range(2, CUSTOMERS + 2))
    events = await until_async(siyu.settled)
    listed = [
        number
        for event in events
        if event["type"] == "delivery-planned/1" and event["data"]["occasion"] == "card"
        for number in re.findall(r"^#(\d+)", event["data"]["text"], re.MULTILINE)
    ]
    assert len(listed) == len(set(listed)) == CUSTOMERS


@pytest.mark.nightly
async def test_a_card_is_planned_once_and_arrives_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs({**by_polling(telegram), "SIYU_STARTER_RULES": "false"})
    olga = await bound(siyu, telegram)
    await until_async(siyu.settled)
    assert await siyu.stop() == 0
    ada, deaths, found = telegram.user(5001, "Ada"), Deaths(siyu), {}
    points = ("plan-before", *OUTBOUND)
    for number, point in enumerate(points, start=1):
        question = f"{point}: how much?"
        async with deaths.at(point):
            ada.says(question)
        events = await deaths.settled(deliveries=1 + number)
        texts = [e["data"]["text"] for e in events if e["type"] == "delivery-planned/1"]
        sent = [one for one in telegram.sent if one.chat_id == olga.id and question in (one.text or "")]
        found[point] = (sum(question in text for text in texts), len(sent))
    assert found == {point: (1, 2 if point in SENT_AND_NOT_NOTED else 1) for point in points}


@pytest.mark.nightly
async def test_the_answer_to_a_card_goes_to_the_customer_once_wherever_the_desk_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs({**by_polling(telegram), "SIYU_STARTER_RULES": "false"})
    olga = await bound(siyu, telegram)
    ada = telegram.user(5001, "Ada")
    ada.says("how much is the tea?")
    card = await heard(telegram, olga, "how much is the tea?")
    await until_async(siyu.settled)
    assert await siyu.stop() == 0
    deaths, found = Deaths(siyu), {}
    points = ("commit-after", "plan-before", "plan-after", "claim-before")
    for number, point in enumerate(points, start=1):
        async with deaths.at(point):
            olga.says(f"100 a tin, {point}", reply_to=card.message_id)
        await deaths.settled(deliveries=2 + 2 * number)  # each answer, and its confirmation
        answers = [
            one for one in telegram.sent if one.chat_id == ada.id and one.text == f"100 a tin, {point}"
        ]
        found[point] = len(answers)
    assert found == dict.fromkeys(points, 1)


async def all_came(siyu: Installation) -> bool:
    return len(await siyu.events("message-received")) >= CUSTOMERS + 2
