"""The courier among others: crashes, views that lag, several workers, and many who wait for one who cannot go."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass, DeliveryStarted, DeliveryUnknown
from domain.dispatch import Request, Result
from domain.errors import OutcomeUnknown, TemporaryFailure
from domain.identity import DeliveryId, ProviderMessageId, Slug
from domain.installation.commands import PauseMarketing
from domain.message import Context
from domain.ports.messenger import MemoryMessenger, Outbound
from scheduler.delivery import LEASE_S, LOOK_AHEAD, LOOK_FURTHER, LOOK_FURTHER_EVERY_S
from scheduler.pacing import Rates
from scheduler.turns import IN_FLIGHT
from tests.scheduler.world import Provider, World

MARKETING, REPLY = DeliveryClass.MARKETING, DeliveryClass.REPLY


class Dies:
    """The worker is killed while its request is under way: no outcome, ever."""

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        raise asyncio.CancelledError


class Waits(MemoryMessenger):
    """A provider that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        await self.go.wait()
        return await super().send(outbound)


async def test_what_a_killed_worker_started_is_unknown_after_its_lease_and_marketing_stays_so() -> None:
    world = World()
    wang, lin = world.meet("wang"), world.meet("lin")
    world.send_to(wang, "offer", kind=MARKETING)
    world.send_to(lin, "reply")
    await world.settle(world.courier(Dies()))
    assert (world.kinds("offer")[-1], world.kinds("reply")[-1]) == ("Started", "Started")
    provider = Provider(world)
    successor = world.courier(provider, worker="worker-2")
    assert await successor.step() == LEASE_S
    await world.run(successor, LEASE_S)
    await world.settle(successor)
    unknown = DeliveryUnknown(delivery=DeliveryId("offer"), reason=Slug("lease-ended"))
    assert world.story("offer")[-1] == unknown
    assert provider.texts == []
    await world.run(successor, 24 * 3_600.0)
    assert provider.texts == ["reply"]
    assert world.story("offer")[-1] == unknown


async def test_an_outcome_that_comes_after_the_lease_still_counts() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "offer", kind=MARKETING)
    slow = Waits()
    first = world.courier(slow)
    await first.step()
    await _until(lambda: world.kinds("offer")[-1] == "Started")
    world.pass_time(LEASE_S)
    second = world.courier(Provider(world), worker="worker-2")
    await second.step()
    assert world.kinds("offer")[-1] == "Unknown"
    slow.go.set()
    await first.drain()
    assert world.kinds("offer") == ["Planned", "Started", "Unknown", "Accepted"]


async def test_a_view_that_lags_doubles_nothing() -> None:
    world = World()
    people = [world.meet(f"p{i}") for i in range(5)]
    for i, person in enumerate(people):
        world.send_to(person, f"offer {i}", kind=MARKETING)
        world.send_to(person, f"reply {i}")
    provider = Provider(world, MemoryMessenger(failures=[OutcomeUnknown("timeout")]))
    courier = world.courier(provider)
    world.view.until = world.log.head()
    await world.run(courier, 600.0)
    world.view.until = None
    await world.run(courier, 600.0)
    replies = [f"reply {i}" for i in range(5)]
    offers = [f"offer {i}" for i in range(5)]
    assert sorted(provider.texts) == sorted([*replies, *offers, "reply 0"])  # the unknown reply is sent again


async def test_two_workers_on_one_log_send_everything_once() -> None:
    one = World()
    two = World(beside=one)
    for i in range(30):
        person = one.meet(f"p{i}")
        one.send_to(person, f"offer {i}", kind=MARKETING)
        one.send_to(person, f"reply {i}")
    two.view.until = one.log.head()  # to the second worker everything looks unsent until the end
    first, second = Provider(one), Provider(two)
    await one.settle(one.courier(first), two.courier(second, worker="worker-2"))
    assert len(first.texts) + len(second.texts) == 60
    assert set(first.texts) | set(second.texts) == {
        f"{kind} {i}" for kind in ("offer", "reply") for i in range(30)
    }


async def test_a_view_that_still_shows_a_broken_lease_is_not_followed_again_and_again() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "offer", kind=MARKETING)
    await world.settle(world.courier(Dies()))
    world.pass_time(LEASE_S)
    world.view.until = world.log.head()
    asked: list[Request] = []

    async def counting(request: Request) -> Result:
        asked.append(request)
        return await world.dispatch(request)

    courier = world.courier(Provider(world), dispatch=counting)
    for _ in range(10):
        await courier.step()
    assert len(asked) == 1
    assert world.kinds("offer")[-1] == "Unknown"


async def test_a_lease_whose_stream_cannot_be_decided_stops_nothing_else() -> None:
    world = World()
    wang, lin = world.meet("wang"), world.meet("lin")
    world.send_to(wang, "broken")
    await world.settle(world.courier(Dies()))
    world.pass_time(LEASE_S)
    world.send_to(lin, "fine")

    async def buggy(request: Request) -> Result:
        if getattr(request.commands[0], "delivery", None) == "broken":
            raise KeyError("bug")
        return await world.dispatch(request)

    provider = Provider(world)
    await world.settle(world.courier(provider, dispatch=buggy))
    assert provider.texts == ["fine"]


async def test_a_frozen_account_with_a_long_backlog_starves_no_other() -> None:
    world = World()
    wang = world.meet("wang")
    lin = world.meet("lin", account=world.second_bot)
    _plan_all(world, [world.plan(f"w{i}", wang) for i in range(2 * LOOK_AHEAD)])
    limited = TemporaryFailure("rate-limited", retry_after_s=3_600, whole_account=True)
    first, second = Provider(world, MemoryMessenger(failures=[limited])), Provider(world)
    courier = world.courier(first, second, rates=Rates(30, 1, 20))
    await world.run(courier, 1.0)
    for i in range(10):
        world.send_to(lin, f"l{i}")
    await world.run(courier, 12.0)
    assert first.texts == ["w0"]
    assert second.texts == [f"l{i}" for i in range(10)]


async def test_a_chat_with_a_long_queue_starves_no_other_chat() -> None:
    world = World()
    flood = world.meet("flood")
    people = [world.meet(f"p{i}") for i in range(40)]
    _plan_all(world, [world.plan(f"f{i}", flood) for i in range(3 * LOOK_AHEAD)])
    for i, person in enumerate(people):
        world.send_to(person, f"reply {i}")
    provider = Provider(world)
    courier = world.courier(provider, rates=Rates(30, 1, 20))
    await world.run(courier, 3.0)
    assert {text for text in provider.texts if text.startswith("reply")} == {f"reply {i}" for i in range(40)}
    assert [text for text in provider.texts if text.startswith("f")] == ["f0", "f1", "f2"]


async def test_deliveries_of_an_account_that_nobody_serves_any_more_are_passed_over() -> None:
    world = World()
    gone = world.meet("gone", account=world.second_bot)
    wang = world.meet("wang")
    _plan_all(world, [world.plan(f"g{i}", gone) for i in range(2 * LOOK_AHEAD)])
    world.send_to(wang, "w")
    provider = Provider(world)
    await world.run(world.courier(provider), 2.0)
    assert provider.texts == ["w"]


async def test_looking_further_is_rare_and_paused_marketing_is_no_reason_for_it() -> None:
    world = World()
    people = [world.meet(f"p{i}") for i in range(2 * LOOK_AHEAD)]
    world.given(PauseMarketing())
    _plan_all(world, [world.plan(f"m{i}", p, kind=MARKETING) for i, p in enumerate(people)])
    courier = world.courier(Provider(world))
    await world.run(courier, 20.0)
    assert max(world.view.looks) <= LOOK_AHEAD + len(people)  # beside what was followed a moment ago
    world.view.looks.clear()
    _plan_all(world, [world.plan(f"f{i}", people[0]) for i in range(2 * LOOK_AHEAD)])
    await world.run(world.courier(Provider(world), rates=Rates(0, 1, 20)), 10.0)
    assert 5 <= world.view.looks.count(LOOK_FURTHER) <= 10 / LOOK_FURTHER_EVERY_S + 1


async def test_an_account_that_hangs_takes_no_room_from_another() -> None:
    world = World()
    _plan_all(world, [world.plan(f"w{i}", world.meet(f"p{i}")) for i in range(IN_FLIGHT + 5)])
    lin = world.meet("lin", account=world.second_bot)
    hanging, other = Waits(), Provider(world)
    courier = world.courier(hanging, other)
    await courier.step()
    await _until(lambda: len(world.all_of(DeliveryStarted)) == IN_FLIGHT)
    world.send_to(lin, "l")
    await courier.step()
    await _until(lambda: other.texts == ["l"])
    assert courier.in_flight >= IN_FLIGHT
    hanging.go.set()
    await courier.drain()
    assert len(hanging.sent) == IN_FLIGHT


async def test_a_delivery_that_a_bug_keeps_back_holds_up_nobody() -> None:
    world = World()
    wang, lin = world.meet("wang"), world.meet("lin")
    world.send_to(wang, "w")
    world.send_to(lin, "l")

    async def buggy(request: Request) -> Result:
        if getattr(request.commands[0], "delivery", None) == "w":
            raise KeyError("bug")
        return await world.dispatch(request)

    provider = Provider(world)
    courier = world.courier(provider, dispatch=buggy, rates=Rates(1, 1, 20))
    await world.run(courier, 3.0)
    assert provider.texts == ["l"]
    assert courier.in_flight == 0


async def test_a_worker_that_is_told_to_stop_leaves_nothing_without_an_outcome() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w")
    slow = Waits()
    courier = world.courier(slow)
    await courier.step()
    draining = asyncio.create_task(courier.drain())
    await _until(lambda: world.kinds("w")[-1] == "Started")
    slow.go.set()
    await draining
    assert world.kinds("w") == ["Planned", "Started", "Accepted"]
    assert courier.in_flight == 0


async def test_a_message_that_was_sent_back_keeps_its_place_but_lets_replies_pass() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "first", "second", kind=DeliveryClass.SERVICE)
    provider = Provider(world, MemoryMessenger(failures=[TemporaryFailure("conflict")]))
    courier = world.courier(provider)
    await world.settle(courier)
    world.send_to(wang, "reply")
    await world.run(courier, 5.0)
    assert provider.texts == ["first", "reply", "first", "second"]


async def test_a_chat_that_is_limited_by_itself_is_left_alone_until_then_even_by_replies() -> None:
    world = World()
    wang, lin = world.meet("wang"), world.meet("lin")
    world.send_to(wang, "offer", kind=MARKETING)
    limited = TemporaryFailure("chat-limited", retry_after_s=20)
    provider = Provider(world, MemoryMessenger(failures=[limited]))
    courier = world.courier(provider)
    await world.settle(courier)
    world.send_to(wang, "reply")
    world.send_to(lin, "other")
    start = world.boottime
    await world.run(courier, 60.0)
    assert provider.texts[:2] == ["offer", "other"]
    assert provider.asked[2:] == [(start + 20, "offer"), (start + 20, "reply")]


def _plan_all(world: World, plans: list[PlanDelivery]) -> None:
    """Plan many, in their order of time."""
    moments = [world.now - timedelta(seconds=len(plans) - i) for i in range(len(plans))]
    context = Context(actor=Slug("test"), occurred_at=world.now, now=world.now)
    world.dispatcher.step(
        [Request(context, (replace(plan, not_before=at),)) for plan, at in zip(plans, moments, strict=True)]
    )


async def _until(condition: Callable[[], bool]) -> None:
    """Wait for what other tasks and threads do."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)
