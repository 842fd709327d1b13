"""D3, D4: a courier, a real channel, real sockets, and a network that breaks; only the clocks are simulated.

What the log says of each message is held against what the provider's simulator really took.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest

from channels.simulators.telegram import TelegramSimulator
from domain.deliveries.events import DeliveryClass
from domain.identity import ContactId
from scheduler.delivery import Courier
from scheduler.pacing import Rates
from tests.channels.house import House
from tests.channels.telegram.harness import open_adapter
from tests.crash.fault_proxy import Fault, FaultProxy, faulty
from tests.scheduler.world import TELEGRAM_RATES, UNLIMITED, Provider, World

OFFER, ANSWER = DeliveryClass.MARKETING, DeliveryClass.REPLY
DEADLINE_S = 2.0
"""Of a request; the real one's 30 s would be waited for."""
AFTERWARDS_S = 300.0
"""Every lease has ended by then, and the grace before an answer is sent again."""
OUTAGE_S = 600.0
PEOPLE = 40


@dataclass
class Shop:
    """``asked``: when something left for the provider, by the simulated clock."""

    world: World
    telegram: TelegramSimulator
    proxy: FaultProxy
    provider: Provider

    def meet(self, number: int) -> ContactId:
        user = self.telegram.user(number, f"Customer {number}")
        user.person.started = True
        return self.world.meet(str(number))

    def courier(self, rates: Rates = UNLIMITED) -> Courier:
        return self.world.courier(self.provider, rates=rates)

    def taken(self, text: str) -> int:
        return sum(sent.text == text for sent in self.telegram.sent)


def _seconds(world: World) -> float:
    return world.now.timestamp()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    world = World()
    async with (
        TelegramSimulator(clock=partial(_seconds, world)) as telegram,
        faulty(telegram.base) as proxy,
    ):
        settings = {"api_base": proxy.address}
        adapter = open_adapter(House(), telegram, settings=settings, deadline_s=DEADLINE_S)
        try:
            yield Shop(world, telegram, proxy, Provider(world, adapter.messenger))
        finally:
            await adapter.stop()


each_fault = pytest.mark.parametrize(
    "fault, of_offers, offered, answered",
    [
        (Fault.REFUSED, "Accepted", 1, 1),
        (Fault.BLACK_HOLE, "Unknown", 0, 1),
        (Fault.RESET_BEFORE, "Unknown", 0, 1),
        (Fault.RESET_AFTER, "Unknown", 1, 2),
        (Fault.CUT_SHORT, "Unknown", 1, 2),
        (Fault.GARBAGE, "Unknown", 1, 2),
        (Fault.DRIP, "Accepted", 1, 1),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Fault) else str(value),
)


@each_fault
async def test_what_breaks_on_the_way_is_what_the_log_says(
    fault: Fault, of_offers: str, offered: int, answered: int, shop: Shop
) -> None:
    """An offer goes out once or stays Unknown, an answer goes out once more where nobody can tell."""
    courier = shop.courier()
    mei = shop.meet(7)
    for text, kind in (("offer", OFFER), ("answer", ANSWER)):
        await shop.proxy.strike(fault)
        shop.world.send_to(mei, text, kind=kind)
        await shop.world.settle(courier)
        await shop.proxy.heal()
        await shop.world.run(courier, AFTERWARDS_S)
    assert shop.world.kinds("offer")[-1] == of_offers
    assert shop.world.kinds("answer")[-1] == "Accepted"
    assert (shop.taken("offer"), shop.taken("answer")) == (offered, answered)


async def test_a_request_whose_connection_is_half_closed_is_taken_once_or_not_known_to_be(shop: Shop) -> None:
    courier = shop.courier()
    await shop.proxy.strike(Fault.HALF_CLOSED)
    shop.world.send_to(shop.meet(7), "offer", kind=OFFER)
    await shop.world.settle(courier)
    await shop.proxy.heal()
    await shop.world.run(courier, AFTERWARDS_S)
    last = shop.world.kinds("offer")[-1]
    assert (last, shop.taken("offer")) in {("Accepted", 1), ("Unknown", 0), ("Unknown", 1)}


async def test_a_429_is_obeyed_to_the_second(shop: Shop) -> None:
    courier = shop.courier()
    mei, lin = shop.meet(7), shop.meet(8)
    shop.telegram.faults.add(kind="rate_limited", retry_after_s=17)
    shop.world.send_to(mei, "first")
    await shop.world.settle(courier)
    shop.world.send_to(lin, "second")
    await shop.world.run(courier, 60.0)
    assert len(shop.provider.asked) == 3
    assert [at - shop.provider.asked[0][0] >= 17.0 for at, _ in shop.provider.asked[1:]] == [True, True]
    assert shop.telegram.violations == []
    assert (shop.taken("first"), shop.taken("second")) == (1, 1)


async def test_ten_minutes_without_a_provider_lose_nothing_and_the_backlog_keeps_the_limits(
    shop: Shop,
) -> None:
    """It begins five minutes before the quiet hours: answers go out behind the outage, offers only in the morning."""
    world = shop.world
    world.pass_time(timedelta(hours=9, minutes=55).total_seconds())
    people = [shop.meet(100 + number) for number in range(PEOPLE)]
    courier = shop.courier(TELEGRAM_RATES)
    await shop.proxy.refuse()
    for number, contact in enumerate(people):
        world.send_to(contact, f"answer {number}")
        world.send_to(contact, f"offer {number}", kind=OFFER)
    await world.run(courier, OUTAGE_S)
    assert shop.telegram.sent == []
    until = world.boottime

    await shop.proxy.heal()
    await world.run(courier, 60.0)
    assert sorted(str(s.text) for s in shop.telegram.sent) == sorted(f"answer {n}" for n in range(PEOPLE))
    left = [at for at, _ in shop.provider.asked if at >= until]
    assert all(later - at > 1.0 - 1e-6 for at, later in zip(left, left[30:], strict=False))
    assert {world.kinds(f"offer {n}")[-1] for n in range(PEOPLE)} == {"Postponed"}

    world.pass_time(timedelta(hours=10, minutes=30).total_seconds())
    await world.run(courier, 120.0)
    assert all(shop.taken(f"offer {n}") == 1 for n in range(PEOPLE))
