"""D1: the process dies once at every named step between a message's arrival and the record of its answer.

Where it died decides what may have happened twice, and each test's table says it exactly: nothing that came in is lost or doubled,
marketing never goes out twice, a reply or a service message twice only where the provider had taken it and nobody had noted that.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from channels.simulators.telegram import TelegramSimulator
from tests.scenarios.conftest import Installs
from tests.scenarios.crashing import POINTS
from tests.scenarios.customers import Customer, InTelegram, InWeChat
from tests.scenarios.installation import Event, Installation, by_polling, by_webhook, free_port, until_async
from tests.scenarios.visitor import Visitor
from tests.scenarios.wechat_account import Later, of_wechat, patient_wechat

CRASHING = "tests.scenarios.crashing:main"
KILLED = -9
AHEAD_S = 120
"""By which each run's clock is ahead of the one before: its lease has ended, and the grace of 30 s (delivery.md, "Frozen workers")."""
PROVEN_AFTER_S = "0.2"
ANSWER = "it costs 5"
OUTBOUND = (
    "plan-after",
    "claim-before",
    "claim-after",
    "send-before",
    "send-after",
    "record-before",
    "record-after",
)
OF_A_PASSIVE_REPLY = ("put", "unproven-before", "unproven-after")
ANSWERED_LATER = tuple(point for point in POINTS if point not in OF_A_PASSIVE_REPLY)
ANSWERED_IN_REQUEST = tuple(point for point in POINTS if point != "send-after")
SENT_AND_NOT_NOTED = {"send-after", "record-before"}
"""The provider had taken it: a reply goes out once more, since nobody can tell."""
SHOWN_AND_NOT_PROVEN = {"answer-after", "record-before"}
"""WeChat had shown the answer to its request, and its silence was not awaited: the same holds."""
PERHAPS_SHOWN = {"unproven-before", "unproven-after"}
"""The log takes in that it is in the request at the very moment at which the request is answered."""
STARTED_AND_NOT_SENT = {"claim-after", "send-before"}
"""Nobody can tell here either: marketing stays Unknown, and is not sent at all."""


OF_MARKETING = {
    "plan-after": (1, "delivery-accepted/1"),
    "claim-before": (1, "delivery-accepted/1"),
    "claim-after": (0, "delivery-unknown/1"),
    "send-before": (0, "delivery-unknown/1"),
    "send-after": (1, "delivery-unknown/1"),
    "record-before": (1, "delivery-unknown/1"),
    "record-after": (1, "delivery-accepted/1"),
}
"""What becomes of an offer wherever the process dies: how often it was read, and what the log says last."""


class Deaths:
    """An installation that dies at one point after the other, each run later than the one before."""

    def __init__(self, siyu: Installation, clock: Later | None = None) -> None:
        """``clock``: the provider's, which goes with that of the runs."""
        self.siyu, self._clock = siyu, clock or Later()

    async def begin(self, *fuse: str) -> None:
        await self.siyu.start(*self._later(), *fuse, main=CRASHING)

    async def begin_unready(self, *fuse: str) -> None:
        """Begin, and do not wait: it may die before it is ready."""
        await self.siyu.begin(*self._later(), *fuse, main=CRASHING)

    def _later(self) -> tuple[str, ...]:
        self._clock.ahead_s += AHEAD_S
        return ("--ahead", str(self._clock.ahead_s), "--proof", PROVEN_AFTER_S)

    @asynccontextmanager
    async def at(self, point: str) -> AsyncIterator[None]:
        """Let something happen in a process that dies of it at this point, and start the next one."""
        await self.begin("--at", point)
        yield
        assert await self.siyu.ended() == KILLED, point
        await self.begin()

    async def settled(self, deliveries: int, said: str = "") -> list[Event]:
        """Wait until so many deliveries are planned and all have their last outcome, end the process, and return the log.

        ``said``: what a customer says meanwhile.
        """

        async def done() -> list[Event]:
            events = await self.siyu.settled()
            planned = sum(event["type"] == "delivery-planned/1" for event in events)
            heard = not said or said in texts_of(events)
            return events if planned >= deliveries and heard and not to_be_sent_again(events) else []

        with suppress(TimeoutError):  # what is missing then, the table says better
            await until_async(done)
        events = await self.siyu.events()
        assert [said for said in await self.siyu.ask("verify") if not said.startswith("fine: ")] == []
        assert await self.siyu.stop() == 0
        return events


async def opened(
    installs: Installs, settings: dict[str, str], port: int = 0, name: str = "data"
) -> Installation:
    """An installation with one rule, running."""
    siyu = installs(settings, port=port, name=name)
    await siyu.start()
    await siyu.do(f"/rule add contains cost => {ANSWER}")
    return siyu


@asynccontextmanager
async def wechat_shop(installs: Installs, reply: str) -> AsyncIterator[tuple[Installation, Customer, Later]]:
    """As ``opened``, with an Official Account and a follower of it; WeChat's clock goes with that of the runs."""
    port, clock = free_port(), Later()
    async with patient_wechat(port, clock) as wechat:
        siyu = await opened(installs, of_wechat(wechat, reply=reply), port, f"wechat-{port}")
        yield siyu, InWeChat(wechat, wechat.user("o-mei")), clock


def ada_of(telegram: TelegramSimulator) -> Customer:
    return InTelegram(telegram, telegram.user(5001, "Ada"))


async def welcomed(siyu: Installation, customer: Customer) -> None:
    """Let a customer be welcomed by the installation, and end it."""
    customer.says("/start")
    await until_async(lambda: welcomed_in(siyu))
    assert await siyu.stop() == 0


async def welcomed_in(siyu: Installation) -> bool:
    return any(event["type"] == "delivery-planned/1" for event in await siyu.settled())


def to_be_sent_again(events: Sequence[Event]) -> list[str]:
    """Replies and service messages of which nobody can tell yet: they are sent once more, or proven."""
    kinds = {e["stream"]: e["data"]["kind"] for e in events if e["type"] == "delivery-planned/1"}
    last = {event["stream"]: event["type"] for event in events}
    return [name for name in kinds if kinds[name] != "marketing" and last[name] == "delivery-unknown/1"]


def texts_of(events: Sequence[Event]) -> list[str]:
    return [event["data"]["text"] for event in events if event["type"] == "message-received/1"]


async def answers(
    points: Sequence[str], siyu: Installation, customer: Customer, clock: Later | None = None
) -> dict[str, tuple[int, int]]:
    """Ask a question at each point; return how often it is in the log, and how often it was answered."""
    await welcomed(siyu, customer)
    deaths, found = Deaths(siyu, clock), {}
    for number, point in enumerate(points, start=1):
        question, before = f"{point}: what does it cost?", customer.times_read(ANSWER)
        async with deaths.at(point):
            customer.says(question)
        events = await deaths.settled(deliveries=1 + number)
        await customer.delivered()
        found[point] = (texts_of(events).count(question), customer.times_read(ANSWER) - before)
    return found


async def messages(siyu: Installation, customer: Customer, clock: Later | None = None) -> dict[str, int]:
    """Send an operator's message at each point of the way out; return how often it was shown."""
    await welcomed(siyu, customer)
    deaths, found = Deaths(siyu, clock), {}
    for number, point in enumerate(OUTBOUND, start=1):
        message, thanks = f"your order has left, {point}", f"thanks, {point}"
        async with deaths.at(point):
            await siyu.siyu("do", f"/send #1 {message}")  # it may die before it answers
        if clock is not None:
            customer.says(thanks)  # WeChat takes five messages after each of theirs
        await deaths.settled(deliveries=1 + number, said=thanks if clock is not None else "")
        found[point] = customer.times_read(message)
    return found


async def test_a_message_by_webhook_is_recorded_once_and_answered_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    port = free_port()
    siyu = await opened(installs, by_webhook(telegram, port), port)
    expected = {point: (1, 2 if point in SENT_AND_NOT_NOTED else 1) for point in ANSWERED_LATER}
    assert await answers(ANSWERED_LATER, siyu, ada_of(telegram)) == expected


async def test_a_polled_message_is_recorded_once_and_answered_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, by_polling(telegram))
    points = ("commit-before", "commit-after", "project-before", "plan-before")
    assert await answers(points, siyu, ada_of(telegram)) == dict.fromkeys(points, (1, 1))


@pytest.mark.nightly
async def test_wechat_messages_are_recorded_once_and_answered_wherever_it_dies(installs: Installs) -> None:
    async def questions(points: Sequence[str], reply: str) -> dict[str, tuple[int, int]]:
        async with wechat_shop(installs, reply) as (siyu, mei, clock):
            return await answers(points, siyu, mei, clock)

    async def from_an_operator() -> dict[str, int]:
        async with wechat_shop(installs, "auto") as (siyu, mei, clock):
            return await messages(siyu, mei, clock)

    in_request, by_service, sent = await asyncio.gather(
        questions(ANSWERED_IN_REQUEST, "auto"), questions(ANSWERED_LATER, "service"), from_an_operator()
    )
    perhaps = {point: in_request[point] for point in PERHAPS_SHOWN}
    assert set(perhaps.values()) <= {(1, 1), (1, 2)}
    certain = {point: (1, 2 if point in SHOWN_AND_NOT_PROVEN else 1) for point in ANSWERED_IN_REQUEST}
    assert in_request == certain | perhaps
    assert by_service == {point: (1, 2 if point in SENT_AND_NOT_NOTED else 1) for point in ANSWERED_LATER}
    assert sent == {point: 2 if point in SENT_AND_NOT_NOTED else 1 for point in OUTBOUND}


async def test_a_broadcast_goes_out_once_or_not_at_all_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu, ada = await opened(installs, by_polling(telegram)), ada_of(telegram)
    await welcomed(siyu, ada)
    deaths, found = Deaths(siyu), {}
    for number, point in enumerate(OUTBOUND, start=1):
        offer = f"an offer, {point}"
        async with deaths.at(point):
            await siyu.siyu("do", "--yes", f"/broadcast all {offer}")  # it may die before it answers
        events = await deaths.settled(deliveries=1 + number)
        newest = [event["stream"] for event in events if event["type"] == "delivery-planned/1"][-1]
        last = [event["type"] for event in events if event["stream"] == newest][-1]
        found[point] = (ada.times_read(offer), last)
    assert found == OF_MARKETING


@pytest.mark.nightly
async def test_an_operators_message_goes_out_at_least_once_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, by_polling(telegram))
    found = await messages(siyu, ada_of(telegram))
    assert found == {point: 2 if point in SENT_AND_NOT_NOTED else 1 for point in OUTBOUND}


@pytest.mark.nightly
async def test_a_message_in_the_web_chat_is_recorded_and_shown_once_wherever_it_dies(
    installs: Installs,
) -> None:
    siyu = await opened(installs, {})
    points = ("commit-before", "commit-after", "project-before", "plan-before", *OUTBOUND)
    deaths, found = Deaths(siyu), {}
    async with Visitor(siyu.address) as visitor:
        await visitor.says("hello")
        await visitor.hears_until_shown(1)
        await until_async(siyu.settled)
        assert await siyu.stop() == 0
        await visitor.hears_until_cut_off()
        for number, point in enumerate(points, start=1):
            question = f"{point}: what does it cost?"
            async with deaths.at(point):
                await visitor.connect(siyu.address)
                await visitor.says(question)
                await visitor.hears_until_cut_off()
            await visitor.connect(siyu.address)
            await visitor.hears_until_shown(1 + number)
            events = await deaths.settled(deliveries=1 + number)
            await visitor.hears_until_cut_off()
            found[point] = (texts_of(events).count(question), len(visitor.shown))
    assert found == {point: (1, 1 + number) for number, point in enumerate(points, start=1)}
