"""D1, D17: a campaign whose process dies at each step of its way: each person has it once or it is Unknown, and it comes to its end.

All deaths of a test are one campaign's: each process finds what the one before it left, and dies of its next step.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import pytest

from channels.simulators.telegram import TelegramSimulator
from domain.errors import StoreUnavailable
from tests.scenarios.conftest import Installs
from tests.scenarios.crashing import OF_A_CAMPAIGN
from tests.scenarios.crowd import people_of
from tests.scenarios.customers import InTelegram
from tests.scenarios.installation import READY_WITHIN_S, Event, Installation, by_polling, until_async
from tests.scenarios.test_crash_points import OF_MARKETING, OUTBOUND, Deaths, welcomed

OFFER = "the summer tea is here"
CAREFUL = f"""\
name: Summer tea
audience: {{all: true}}
when: now
canary: {{at_least: 1, wait: 1m, failures: 100, opt_outs: 100}}
content: {{text: "{OFFER}"}}
"""
"""A few go first; whatever becomes of them, the others follow."""
SHOP = 12
BEYOND_A_CHUNK = 210
ENDS_WITHIN_S = 60.0
UNTIL_SAMPLED = OF_A_CAMPAIGN[: OF_A_CAMPAIGN.index("clear-before")]
FROM_THEN_ON = (
    "clear-before",
    "clear-after",
    "chunk-before",
    "chunk-after",
    "planned-before",
    "planned-after",
    "finish-before",
    "finish-after",
)
ONCE = {"run-started/1", "run-planned/1", "campaign-started/1", "campaign-finished/1"}
OF_A_CANARY = {"run-sampled/1", "run-cleared/1"}
FAIR = {(1, "delivery-accepted/1"), (1, "delivery-unknown/1"), (0, "delivery-unknown/1")}
"""What may have become of a campaign's delivery: how often it was read, and what the log says last."""


class Launch:
    """A campaign on its way, in an installation that dies of it again and again."""

    def __init__(
        self, siyu: Installation, telegram: TelegramSimulator, people: int, form: str = CAREFUL
    ) -> None:
        self.siyu, self.deaths, self._form = siyu, Deaths(siyu), form
        self.people = [InTelegram(telegram, telegram.user(5001 + n, f"Customer {n}")) for n in range(people)]

    async def launched(self, at: str, passing: int = 0) -> None:
        """Let everybody write, and launch it in a process that dies of it."""

        async def welcomed() -> bool:
            planned = [e for e in await self.siyu.settled() if e["type"] == "delivery-planned/1"]
            return len(planned) == len(self.people)

        await self.siyu.start()
        for customer in self.people:
            customer.says("/start")
        await until_async(welcomed)
        await self.siyu.do(f"/campaign draft\n{self._form}")
        assert await self.siyu.stop() == 0
        await self.deaths.begin("--at", at, "--passing", str(passing))
        with suppress(StoreUnavailable, ConnectionError, AssertionError):  # it may die before it answers
            await self.siyu.do("/campaign launch Summer tea", yes=True)
        await self._dies(at)

    async def falls(self, *points: str) -> None:
        """Let one process after the other die of what it finds to do."""
        for point in points:
            await self.deaths.begin_unready("--at", point)
            await self._dies(point)

    async def rests(self) -> None:
        """Let a process do what can be done at once: those who go first have gone then; the next one is later."""
        await self.deaths.begin()
        await until_async(self._sampled)
        await self.siyu.kill()

    async def ended(self) -> list[Event]:
        """Let the last process bring it to its end, and return the log."""
        await self.deaths.begin()
        with suppress(TimeoutError):  # what is missing then, the checks say better
            await until_async(self._finished, ENDS_WITHIN_S)
        return await self.deaths.settled(deliveries=2 * len(self.people))

    async def _dies(self, point: str) -> None:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                assert await self.siyu.ended() == -9, point
        except TimeoutError:
            raise AssertionError(f"{point} was never reached") from None

    async def _sampled(self) -> bool:
        events = await self.siyu.settled()
        return any(event["type"] == "run-sampled/1" for event in events)

    async def _finished(self) -> list[Event]:
        return await self.siyu.events("campaign-finished")

    def check(self, events: Sequence[Event], steps: set[str]) -> set[tuple[int, str]]:
        """Check what was promised, and return what became of its deliveries. ``steps``: what happened once."""
        happened = Counter(event["type"] for event in events)
        assert {step: happened[step] for step in steps} == dict.fromkeys(steps, 1)
        names = people_of(events, "telegram")
        planned = [e for e in events if e["type"] == "delivery-planned/1" and e["data"].get("campaign")]
        assert sorted(int(names[event["data"]["contact"]]) for event in planned) == [
            customer.user.id for customer in self.people
        ]
        of_delivery = {int(names[event["data"]["contact"]]): event["stream"] for event in planned}
        last = {event["stream"]: event["type"] for event in events}
        became = {(one.times_read(OFFER), last[of_delivery[one.user.id]]) for one in self.people}
        assert became <= FAIR
        assert b"Traceback" not in self.siyu.output
        return became


async def test_a_campaign_that_dies_four_times_reaches_everybody_once_and_ends(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    launch = Launch(installs(by_polling(telegram)), telegram, SHOP)
    await launch.launched("chunk-before")
    await launch.falls("sample-before")
    await launch.rests()
    await launch.falls("chunk-after", "send-after")
    became = launch.check(await launch.ended(), ONCE | OF_A_CANARY)
    assert became >= {(1, "delivery-accepted/1"), (1, "delivery-unknown/1")}


@pytest.mark.nightly
async def test_a_campaign_that_dies_at_every_step_reaches_everybody_once_and_ends(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    launch = Launch(installs(by_polling(telegram)), telegram, SHOP)
    first, *others = UNTIL_SAMPLED
    await launch.launched(first)
    await launch.falls(*others)
    await (
        launch.rests()
    )  # else those who go first may go only in the process that waits to judge, and wait too long for it
    await launch.falls(*FROM_THEN_ON)
    launch.check(await launch.ended(), ONCE | OF_A_CANARY)


@pytest.mark.nightly
async def test_what_a_campaign_planned_goes_out_once_or_not_at_all_wherever_it_dies(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu, ada = installs(by_polling(telegram)), InTelegram(telegram, telegram.user(5001, "Ada"))
    await siyu.start()
    await welcomed(siyu, ada)
    deaths, found = Deaths(siyu), {}
    for number, point in enumerate(OUTBOUND, start=1):
        form = CAREFUL.replace("Summer tea", point).replace(OFFER, f"an offer, {point}")
        async with deaths.at(point):
            await siyu.do(f"/campaign draft\n{form}")
            with suppress(StoreUnavailable, ConnectionError, AssertionError):  # it may die before it answers
                await siyu.do(f"/campaign launch {point}", yes=True)
        events = await deaths.settled(deliveries=1 + number)
        newest = [event["stream"] for event in events if event["type"] == "delivery-planned/1"][-1]
        last = [event["type"] for event in events if event["stream"] == newest][-1]
        found[point] = (ada.times_read(f"an offer, {point}"), last)
    assert found == OF_MARKETING


@pytest.mark.nightly
@pytest.mark.parametrize("point", ["chunk-before", "chunk-after"])
async def test_a_campaign_that_dies_between_two_chunks_goes_on_with_the_second(
    point: str, telegram: TelegramSimulator, installs: Installs
) -> None:
    at_once = CAREFUL.replace("canary: {", "canary: false # {")
    launch = Launch(installs(by_polling(telegram)), telegram, BEYOND_A_CHUNK, at_once)
    await launch.launched(point, passing=1)
    events = await launch.ended()
    launch.check(events, ONCE)
    assert [e["data"]["planned"] for e in events if e["type"] == "run-advanced/1"] == [200, BEYOND_A_CHUNK]
