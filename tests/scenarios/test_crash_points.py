"""D1: the process dies once at every named step between a message's arrival and the record of its answer.

Where it died decides what may have happened twice, and the tables below say it exactly: nothing that came in is lost or doubled,
marketing never goes out twice, a reply or a service message twice only where the provider had taken it and nobody had noted that.
"""

import pytest

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.telegram.actors import User
from tests.scenarios.conftest import Installs
from tests.scenarios.crashing import POINTS
from tests.scenarios.installation import Event, Installation, by_polling, by_webhook, free_port, until_async
from tests.scenarios.visitor import Visitor

CRASHING = "tests.scenarios.crashing:main"
KILLED = -9
AHEAD = ("--ahead", "120")
"""Of the second run's clock: the lease of the first one has ended, and its 30 s of grace too (delivery.md, "Frozen workers")."""
OUTCOMES = {
    "delivery-accepted/1",
    "delivery-confirmed/1",
    "delivery-rejected/1",
    "delivery-suppressed/1",
    "delivery-expired/1",
    "delivery-unknown/1",
}
QUESTION, ANSWER, OFFER = "what does it cost?", "it costs 5", "an offer"
OUTBOUND = ("plan-after", "claim-before", "claim-after", "send-before", "send-after", "record-before", "record-after")

SENT_AND_NOT_NOTED = {"send-after", "record-before"}
"""The provider had taken it: a reply goes out once more, since nobody can tell."""
STARTED_AND_NOT_SENT = {"claim-after", "send-before"}
"""Nobody can tell here either: marketing stays Unknown, and is not sent at all."""


async def opened(installs: Installs, settings: dict[str, str], port: int) -> Installation:
    """An installation with one rule; its first run has greeted and has ended."""
    siyu = installs(settings, port=port)
    await siyu.start()
    await siyu.do(f"/rule add contains cost => {ANSWER}")
    return siyu


async def known(siyu: Installation, telegram: TelegramSimulator) -> User:
    """A customer who was welcomed."""
    ada = telegram.user(5001, "Ada")
    ada.starts()
    await telegram.wait_for(lambda sent: sent)
    await until_async(lambda: quiet(siyu))
    return ada


async def quiet(siyu: Installation) -> list[Event]:
    """The log once every delivery in it has an outcome; empty before."""
    events = await siyu.events()
    last = {e["stream"]: e["type"] for e in events if e["stream"].startswith("delivery-")}
    return events if set(last.values()) <= OUTCOMES else []


async def dies(siyu: Installation) -> None:
    """Wait until the fuse has burnt through."""
    assert await siyu.ended() == KILLED


async def settled(siyu: Installation, telegram: TelegramSimulator, text: str, answer: str) -> list[Event]:
    """Run it again, wait until the message is in the log and everything has an outcome, and return the log."""

    async def done() -> list[Event]:
        events = await quiet(siyu)
        planned = [e for e in events if e["type"] == "delivery-planned/1"]
        said = text_of(events).count(text)
        answered = any(e["data"]["text"] == answer or e["data"]["broadcast"] for e in planned)
        return events if said == bool(text) and answered and not telegram.pending_updates else []

    await siyu.start(*AHEAD, main=CRASHING)
    events = await until_async(done)
    assert (await siyu.siyu("verify")).out.startswith("fine: ")
    return events


def text_of(events: list[Event]) -> list[str]:
    return [e["data"]["text"] for e in events if e["type"] == "message-received/1"]


def texts(telegram: TelegramSimulator, text: str) -> int:
    return sum(sent.text == text for sent in telegram.sent)


@pytest.mark.parametrize("point", POINTS)
async def test_a_message_by_webhook_survives_a_death_at_every_step(
    point: str, telegram: TelegramSimulator, installs: Installs
) -> None:
    port = free_port()
    siyu = await opened(installs, by_webhook(telegram, port), port)
    ada = await known(siyu, telegram)
    assert await siyu.stop() == 0

    await siyu.start("--at", point, main=CRASHING)
    ada.says(QUESTION)
    await dies(siyu)
    events = await settled(siyu, telegram, QUESTION, ANSWER)

    assert text_of(events) == ["/start", QUESTION]
    assert texts(telegram, ANSWER) == (2 if point in SENT_AND_NOT_NOTED else 1)


@pytest.mark.parametrize("point", ["commit-before", "commit-after", "project-before", "plan-before", *OUTBOUND])
async def test_a_polled_message_survives_a_death_at_every_step(
    point: str, telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, by_polling(telegram), 0)
    ada = await known(siyu, telegram)
    assert await siyu.stop() == 0

    await siyu.start("--at", point, main=CRASHING)
    ada.says(QUESTION)
    await dies(siyu)
    events = await settled(siyu, telegram, QUESTION, ANSWER)

    assert text_of(events) == ["/start", QUESTION]
    assert texts(telegram, ANSWER) == (2 if point in SENT_AND_NOT_NOTED else 1)


@pytest.mark.parametrize("point", OUTBOUND)
async def test_a_broadcast_goes_out_once_or_not_at_all_wherever_it_dies(
    point: str, telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, by_polling(telegram), 0)
    await known(siyu, telegram)
    assert await siyu.stop() == 0

    await siyu.start("--at", point, main=CRASHING)
    await siyu.siyu("do", "--yes", f"/broadcast all {OFFER}")  # the process may die before it answers
    await dies(siyu)
    events = await settled(siyu, telegram, "", OFFER)

    assert texts(telegram, OFFER) == (0 if point in STARTED_AND_NOT_SENT else 1)
    delivery = next(e["stream"] for e in events if e["type"] == "delivery-planned/1" and e["data"]["broadcast"])
    last = [e["type"] for e in events if e["stream"] == delivery][-1]
    unknown = point in STARTED_AND_NOT_SENT | SENT_AND_NOT_NOTED
    assert last == ("delivery-unknown/1" if unknown else "delivery-accepted/1")


@pytest.mark.parametrize("point", OUTBOUND)
async def test_an_operators_message_goes_out_at_least_once_wherever_it_dies(
    point: str, telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, by_polling(telegram), 0)
    await known(siyu, telegram)
    assert await siyu.stop() == 0

    await siyu.start("--at", point, main=CRASHING)
    await siyu.siyu("do", f"/send #1 {OFFER}")
    await dies(siyu)
    await settled(siyu, telegram, "", OFFER)

    assert texts(telegram, OFFER) == (2 if point in SENT_AND_NOT_NOTED else 1)


@pytest.mark.parametrize("point", ["commit-before", "commit-after", "project-before", "plan-before", *OUTBOUND])
async def test_a_message_in_the_web_chat_survives_a_death_at_every_step(
    point: str, telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, {}, 0)
    async with Visitor(siyu.address) as visitor:
        await visitor.says("hello")
        while len(visitor.shown) < 1:
            await visitor.hears()
        await until_async(lambda: quiet(siyu))
        assert await siyu.stop() == 0
        await visitor.hears_until_cut_off()

        await siyu.start("--at", point, main=CRASHING)
        await visitor.connect(siyu.address)
        await visitor.says(QUESTION)
        await visitor.hears_until_cut_off()
        await dies(siyu)

        await siyu.start(*AHEAD, main=CRASHING)
        await visitor.connect(siyu.address)
        await visitor.hears_until(ANSWER)
        events = await until_async(lambda: quiet(siyu))

    assert text_of(events) == ["hello", QUESTION]
    assert list(visitor.shown.values()).count(ANSWER) == 1
    assert (await siyu.siyu("verify")).out.startswith("fine: ")
