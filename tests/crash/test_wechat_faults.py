"""D3, D4 at WeChat: a courier, our adapter, real sockets, and a network or a WeChat that has a bad day; only the clocks are simulated.

WeChat knows no repeat of a customer-service message: what the log says of each is held against what a follower has on their screen.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest

from channels.simulators.wechat import FaultKind, WeChatSimulator
from channels.wechat.identity import WECHAT_CHANNEL
from channels.wechat.limits import LIMITS
from domain.conversations.commands import Message, Sender
from domain.deliveries.events import DeliveryClass
from domain.identity import Account, Address, ContactId, Party
from scheduler.delivery import Courier, Post
from scheduler.pacing import Pacer, Rates
from tests.channels.house import House
from tests.channels.wechat.harness import APP_ID, open_adapter
from tests.crash.fault_proxy import Fault, FaultProxy, faulty
from tests.crash.test_provider_faults import each_fault
from tests.domain.controls.ids import BOT, TELEGRAM
from tests.domain.shop import came
from tests.scheduler.world import UNLIMITED, Provider, World

OFFER, ANSWER = DeliveryClass.MARKETING, DeliveryClass.REPLY
OURS = (WECHAT_CHANNEL, Account(APP_ID))
A_SECOND = 10
RATES = Rates(A_SECOND, LIMITS.chat_rate_per_s, LIMITS.group_rate_per_min)
"""As somebody may set them: so few that a backlog of some dozens meets the limit."""
CUSTOM_SEND = "message/custom/send"
DEADLINE_S = 2.0
"""Of a request; the real one's 30 s would be waited for."""
AFTERWARDS_S = 300.0
"""Every lease has ended by then, and the grace before an answer is sent again."""
BEFORE_THE_NIGHT_S = timedelta(hours=9, minutes=55).total_seconds()
"""From the world's noon to five minutes before its quiet hours."""
OUTAGE_S = 600.0
PEOPLE = 40


@dataclass
class Shop:
    """An Official Account whose API lies behind the proxy."""

    world: World
    wechat: WeChatSimulator
    proxy: FaultProxy
    provider: Provider

    def meet(self, openid: str) -> ContactId:
        """Let somebody follow the account, and write: that opens their reply window at WeChat."""
        self.wechat.user(openid).person.window.message_came(_seconds(self.world))
        channel, account = OURS
        heard = came(Message(text="hi"), Sender(external_id=openid, name=openid))
        self.world.given(replace(heard, channel=channel, account=account))
        found = self.world.identities.find(Address(Party.CONTACT, channel, account, openid))
        return ContactId(found or "")

    def courier(self, rates: Rates = UNLIMITED) -> Courier:
        courier = self.world.courier(self.provider)
        courier.leave((TELEGRAM, BOT))
        courier.serve(OURS, Post(self.provider, Pacer(rates)))
        return courier

    def taken(self, text: str) -> int:
        return sum(sent.text == text for sent in self.wechat.sent)

    async def warm(self, courier: Courier) -> None:
        """Send something: from here on there is a token, so that what breaks is the call that sends."""
        self.world.send_to(self.meet("o-first"), "the first")
        await self.world.settle(courier)
        assert self.taken("the first") == 1


def _seconds(world: World) -> float:
    return world.now.timestamp()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    world = World()
    async with WeChatSimulator(clock=partial(_seconds, world)) as wechat, faulty(wechat.api_base) as proxy:
        settings = {"api_base": proxy.address, "app_id": APP_ID, "reply": "service"}
        adapter = open_adapter(House(), wechat, settings=settings, deadline_s=DEADLINE_S)
        try:
            yield Shop(world, wechat, proxy, Provider(world, adapter.messenger))
        finally:
            await adapter.stop()


@each_fault
async def test_what_breaks_on_the_way_to_wechat_is_what_the_log_says(
    fault: Fault, of_offers: str, offered: int, answered: int, shop: Shop
) -> None:
    """An offer goes out once or stays Unknown, an answer goes out once more where nobody can tell."""
    courier = shop.courier()
    await shop.warm(courier)
    mei = shop.meet("o-mei")
    for text, kind in (("offer", OFFER), ("answer", ANSWER)):
        await shop.proxy.strike(fault)
        shop.world.send_to(mei, text, kind=kind)
        await shop.world.settle(courier)
        await shop.proxy.heal()
        await shop.world.run(courier, AFTERWARDS_S)
    assert shop.world.kinds("offer")[-1] == of_offers
    assert shop.world.kinds("answer")[-1] == "Accepted"
    assert (shop.taken("offer"), shop.taken("answer")) == (offered, answered)


async def test_a_send_whose_connection_is_half_closed_is_shown_once_or_not_known_to_be(shop: Shop) -> None:
    courier = shop.courier()
    await shop.warm(courier)
    await shop.proxy.strike(Fault.HALF_CLOSED)
    shop.world.send_to(shop.meet("o-mei"), "offer", kind=OFFER)
    await shop.world.settle(courier)
    await shop.proxy.heal()
    await shop.world.run(courier, AFTERWARDS_S)
    last = shop.world.kinds("offer")[-1]
    assert (last, shop.taken("offer")) in {("Accepted", 1), ("Unknown", 0), ("Unknown", 1)}


@pytest.mark.parametrize(
    "fault, offered, answered",
    [(FaultKind.SERVER_ERROR_BEFORE, 0, 1), (FaultKind.SERVER_ERROR_AFTER, 1, 2)],
)
async def test_a_5xx_may_come_before_and_after_wechat_took_it(
    fault: FaultKind, offered: int, answered: int, shop: Shop
) -> None:
    courier = shop.courier()
    mei = shop.meet("o-mei")
    for text, kind in (("offer", OFFER), ("answer", ANSWER)):
        shop.wechat.faults.add(kind=fault)
        shop.world.send_to(mei, text, kind=kind)
        await shop.world.run(courier, AFTERWARDS_S)
    assert shop.world.kinds("offer")[-1] == "Unknown"
    assert shop.world.kinds("answer")[-1] == "Accepted"
    assert (shop.taken("offer"), shop.taken("answer")) == (offered, answered)


@pytest.mark.parametrize(
    "fault, rests_s, of_all",
    [(FaultKind.BUSY, 2.0, False), (FaultKind.RATE, 60.0, True), (FaultKind.QUOTA, 600.0, True)],
    ids=["-1", "45011", "45009"],
)
async def test_what_wechat_says_is_too_much_was_not_sent_and_is_not_tried_before_its_time(
    fault: FaultKind, rests_s: float, of_all: bool, shop: Shop
) -> None:
    """-1 holds back this message, the codes of a quota everything of the account."""
    courier = shop.courier()
    mei, lin = shop.meet("o-mei"), shop.meet("o-lin")
    shop.wechat.faults.add(kind=fault)
    shop.world.send_to(mei, "first", kind=OFFER)
    await shop.world.settle(courier)
    shop.world.send_to(lin, "second")
    await shop.world.run(courier, rests_s + AFTERWARDS_S)
    assert shop.world.kinds("first")[-1] == "Accepted"
    began, *later = shop.provider.asked
    assert [at - began[0] >= rests_s for at, text in later if text == "first"] == [True]
    assert [at - began[0] >= rests_s for at, text in later if text == "second"] == [of_all]
    assert (shop.taken("first"), shop.taken("second")) == (1, 1)


async def test_ten_minutes_without_wechat_lose_nothing_and_the_backlog_keeps_the_limits(shop: Shop) -> None:
    """It begins five minutes before the quiet hours: answers go out behind the outage, offers only in the morning, with a new token."""
    world = shop.world
    world.pass_time(BEFORE_THE_NIGHT_S)
    courier = shop.courier(RATES)
    await shop.warm(courier)
    people = [shop.meet(f"o-{number}") for number in range(PEOPLE)]
    await shop.proxy.refuse()
    for number, contact in enumerate(people):
        world.send_to(contact, f"answer {number}")
        world.send_to(contact, f"offer {number}", kind=OFFER)
    await world.run(courier, OUTAGE_S)
    assert len(shop.wechat.sent) == 1
    until = world.boottime

    await shop.proxy.heal()
    await world.run(courier, 60.0)
    answers = {f"answer {number}" for number in range(PEOPLE)}
    assert sorted(str(sent.text) for sent in shop.wechat.sent[1:]) == sorted(answers)
    left = [at for at, _ in shop.provider.asked if at >= until]
    assert all(later - at > 1.0 - 1e-6 for at, later in zip(left, left[A_SECOND:], strict=False))
    assert {world.kinds(f"offer {number}")[-1] for number in range(PEOPLE)} == {"Postponed"}

    world.pass_time(timedelta(hours=10, minutes=30).total_seconds())
    await world.run(courier, 180.0)
    assert [shop.taken(f"offer {number}") for number in range(PEOPLE)] == [1] * PEOPLE
    assert {call.errcode for call in shop.wechat.requests if call.path == CUSTOM_SEND} == {0, 42001}
