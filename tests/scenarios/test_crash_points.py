"""D1: the process dies once at every named step between a message's arrival and the record of its answer.

Where it died decides what may have happened twice, and each test's table says it exactly: nothing that came in is lost or doubled,
marketing never goes out twice, a reply or a service message twice only where the provider had taken it and nobody had noted that.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.telegram.actors import User
from tests.scenarios.conftest import Installs
from tests.scenarios.crashing import POINTS
from tests.scenarios.installation import Event, Installation, by_polling, by_webhook, free_port, until_async
from tests.scenarios.visitor import Visitor

CRASHING = "tests.scenarios.crashing:main"
KILLED = -9
AHEAD_S = 120
"""By which each run's clock is ahead of the one before: its lease has ended, and the grace of 30 s (delivery.md, "Frozen workers")."""
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
SENT_AND_NOT_NOTED = {"send-after", "record-before"}
"""The provider had taken it: a reply goes out once more, since nobody can tell."""
STARTED_AND_NOT_SENT = {"claim-after", "send-before"}
"""Nobody can tell here either: marketing stays Unknown, and is not sent at all."""


class Deaths:
    """An installation that dies at one point after the other, each run later than the one before."""

    def __init__(self, siyu: Installation) -> None:
        self.siyu = siyu
        self._ahead_s = 0

    async def begin(self, *fuse: str) -> None:
        self._ahead_s += AHEAD_S
        await self.siyu.start("--ahead", str(self._ahead_s), *fuse, main=CRASHING)

    @asynccontextmanager
    async def at(self, point: str) -> AsyncIterator[None]:
        """Let something happen in a process that dies of it at this point, and start the next one."""
        await self.begin("--at", point)
        yield
        assert await self.siyu.ended() == KILLED, point
        await self.begin()

    async def settled(self, deliveries: int) -> list[Event]:
        """Wait until so many deliveries are planned and all have an outcome, end the process, and return the log."""

        async def done() -> list[Event]:
            events = await self.siyu.settled()
            planned = sum(event["type"] == "delivery-planned/1" for event in events)
            return events if planned >= deliveries else []

        with suppress(TimeoutError):  # what is missing then, the table says better
            await until_async(done)
        events = await self.siyu.events()
        assert [said for said in await self.siyu.ask("verify") if not said.startswith("fine: ")] == []
        assert await self.siyu.stop() == 0
        return events


async def opened(installs: Installs, settings: dict[str, str], port: int = 0) -> Installation:
    """An installation with one rule, running."""
    siyu = installs(settings, port=port)
    await siyu.start()
    await siyu.do(f"/rule add contains cost => {ANSWER}")
    return siyu


async def welcomed(siyu: Installation, telegram: TelegramSimulator) -> User:
    """A customer who was welcomed by an installation that has ended since."""
    ada = telegram.user(5001, "Ada")
    ada.starts()
    await telegram.wait_for(bool)
    await until_async(siyu.settled)
    assert await siyu.stop() == 0
    return ada


def texts_of(events: Sequence[Event]) -> list[str]:
    return [event["data"]["text"] for event in events if event["type"] == "message-received/1"]


def times_sent(telegram: TelegramSimulator, text: str) -> int:
    return sum(sent.text == text for sent in telegram.sent)


async def answers(
    points: Sequence[str], siyu: Installation, telegram: TelegramSimulator
) -> dict[str, tuple[int, int]]:
    """Ask a question at each point; return how often it is in the log, and how often it was answered."""
    ada, deaths = await welcomed(siyu, telegram), Deaths(siyu)
    found = {}
    for number, point in enumerate(points, start=1):
        question, before = f"{point}: what does it cost?", times_sent(telegram, ANSWER)
        async with deaths.at(point):
            ada.says(question)
        events = await deaths.settled(deliveries=1 + number)
        assert telegram.pending_updates == []
        found[point] = (texts_of(events).count(question), times_sent(telegram, ANSWER) - before)
    return found


async def test_a_message_by_webhook_is_recorded_once_and_answered_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    port = free_port()
    siyu = await opened(installs, by_webhook(telegram, port), port)
    expected = {point: (1, 2 if point in SENT_AND_NOT_NOTED else 1) for point in POINTS}
    assert await answers(POINTS, siyu, telegram) == expected


async def test_a_polled_message_is_recorded_once_and_answered_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, by_polling(telegram))
    points = ("commit-before", "commit-after", "project-before", "plan-before")
    assert await answers(points, siyu, telegram) == dict.fromkeys(points, (1, 1))


async def test_a_broadcast_goes_out_once_or_not_at_all_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, by_polling(telegram))
    await welcomed(siyu, telegram)
    deaths, found = Deaths(siyu), {}
    for number, point in enumerate(OUTBOUND, start=1):
        offer = f"an offer, {point}"
        async with deaths.at(point):
            await siyu.siyu("do", "--yes", f"/broadcast all {offer}")  # it may die before it answers
        events = await deaths.settled(deliveries=1 + number)
        newest = [event["stream"] for event in events if event["type"] == "delivery-planned/1"][-1]
        last = [event["type"] for event in events if event["stream"] == newest][-1]
        found[point] = (times_sent(telegram, offer), last)
    assert found == {
        "plan-after": (1, "delivery-accepted/1"),
        "claim-before": (1, "delivery-accepted/1"),
        "claim-after": (0, "delivery-unknown/1"),
        "send-before": (0, "delivery-unknown/1"),
        "send-after": (1, "delivery-unknown/1"),
        "record-before": (1, "delivery-unknown/1"),
        "record-after": (1, "delivery-accepted/1"),
    }


async def test_an_operators_message_goes_out_at_least_once_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, by_polling(telegram))
    await welcomed(siyu, telegram)
    deaths, found = Deaths(siyu), {}
    for number, point in enumerate(OUTBOUND, start=1):
        message = f"your order has left, {point}"
        async with deaths.at(point):
            await siyu.siyu("do", f"/send #1 {message}")  # it may die before it answers
        await deaths.settled(deliveries=1 + number)
        found[point] = times_sent(telegram, message)
    assert found == {point: 2 if point in SENT_AND_NOT_NOTED else 1 for point in OUTBOUND}


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
