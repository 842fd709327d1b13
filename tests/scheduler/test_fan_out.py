"""Fan-out: a broadcast becomes one delivery a recipient, however often it is begun."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.broadcasts.broadcast import Stage, broadcasts
from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast, DraftBroadcast
from domain.broadcasts.events import AudienceKind, BroadcastFannedOut
from domain.customers.commands import TagCustomer
from domain.deliveries.delivery import deliveries
from domain.deliveries.events import DeliveryClass, DeliveryPlanned, DeliverySuppressed
from domain.dispatch import Failed, Request, Result
from domain.errors import StoreUnavailable, VersionConflict
from domain.identity import BroadcastId, Slug, SubjectId, Tag
from domain.message import Personal
from domain.ports.agenda import MemoryAgenda
from scheduler.chunks import CHUNK, CHUNKS_A_STEP
from scheduler.fan_out import BROADCAST_LIVES, FanOut
from scheduler.follower import Dispatch
from scheduler.ticks import Ticks
from tests.domain.controls.ids import SHANGHAI, SPRING, VIP
from tests.scheduler.world import TELEGRAM_RATES, Provider, World

DAY_S = 24 * 3_600.0
AUTUMN = BroadcastId("autumn")


def fan_out(world: World, dispatch: Dispatch | None = None, agenda: MemoryAgenda | None = None) -> FanOut:
    """Return a fan-out, as a start of Siyu makes it."""
    return FanOut(
        agenda or world.view,
        world.view,
        world.log,
        dispatch or world.dispatch,
        world.digest,
        lambda: world.now,
    )


def announce(world: World, broadcast: BroadcastId = SPRING, *, tag: Tag | None = None) -> None:
    """An operator writes to everyone, or everyone with a tag, and confirms."""
    kind = AudienceKind.ALL if tag is None else AudienceKind.TAG
    text = Personal(f"{broadcast} is here")
    draft = DraftBroadcast(broadcast=broadcast, audience=kind, tag=tag, text=text, not_before=world.now)
    world.given(draft, ConfirmBroadcast(broadcast=broadcast))


async def test_everyone_gets_one_delivery_that_refers_to_the_broadcast() -> None:
    world = World()
    wang = world.meet("wang")
    announce(world)
    assert await fan_out(world).step() == 1
    (planned,) = world.all_of(DeliveryPlanned)
    assert planned == DeliveryPlanned(
        delivery=planned.delivery,
        subject=SubjectId(f"contact-{wang}"),
        kind=DeliveryClass.MARKETING,
        occasion=Slug("broadcast"),
        contact=wang,
        customer=world.plan("x", wang).customer,
        broadcast=SPRING,
        not_before=world.now,
        expires_at=world.now + BROADCAST_LIVES,
        automatic=True,
    )
    assert world.all_of(BroadcastFannedOut) == [BroadcastFannedOut(broadcast=SPRING, planned=1)]
    confirmed = world.log.read_stream(world.recorded()[-1].stream)[1]
    assert world.recorded()[-1].cause == confirmed.id


async def test_a_tag_and_a_group_reach_whom_they_name() -> None:
    world = World()
    wang, _ = world.meet("wang"), world.meet("lin")
    fans = world.meet_group("fans")
    world.given(TagCustomer(customer=world.view.everybody()[0].customer, tag=VIP))
    announce(world, SPRING, tag=VIP)
    to_fans = DraftBroadcast(
        broadcast=AUTUMN, audience=AudienceKind.GROUP, group=fans, text=Personal("a"), not_before=world.now
    )
    world.given(to_fans, ConfirmBroadcast(broadcast=AUTUMN))
    assert await fan_out(world).step() == 2
    reached = [(plan.broadcast, plan.contact, plan.group) for plan in world.all_of(DeliveryPlanned)]
    assert reached == [(SPRING, wang, None), (AUTUMN, None, fans)]


async def test_what_is_not_due_or_not_confirmed_or_done_is_left_alone() -> None:
    world = World()
    world.meet("wang")
    draft = DraftBroadcast(
        broadcast=SPRING, audience=AudienceKind.ALL, text=Personal("a"), not_before=world.now
    )
    tomorrow = replace(draft, broadcast=AUTUMN, not_before=world.now + timedelta(days=1))
    world.given(draft, tomorrow, ConfirmBroadcast(broadcast=AUTUMN))
    out = fan_out(world)
    assert await out.step() == 0
    world.pass_time(DAY_S)
    assert await out.step() == 1
    assert await out.step() == 0
    assert [plan.broadcast for plan in world.all_of(DeliveryPlanned)] == [AUTUMN]


async def test_run_again_by_another_worker_on_an_old_view_it_plans_nothing_new() -> None:
    world = World()
    for i in range(10):
        world.meet(f"p{i}")
    announce(world)
    old = world.log.head()
    await fan_out(world).step()
    planned = world.log.head()
    beside = World(beside=world)
    beside.view.until = old
    await fan_out(beside).step()
    assert world.log.head() == planned


@pytest.mark.parametrize("at", [1, 2, 3, 4])
async def test_killed_in_the_middle_and_begun_again_everyone_has_exactly_one(at: int) -> None:
    world = World()
    people = [world.meet(f"p{i}") for i in range(2 * CHUNK + 5)]
    announce(world)
    calls = 0

    async def dying(request: Request) -> Result:
        nonlocal calls
        calls += 1
        if calls == at:
            raise StoreUnavailable("away")
        return await world.dispatch(request)

    with pytest.raises(StoreUnavailable):
        await fan_out(world, dying).step()
    assert len(world.all_of(DeliveryPlanned)) == min((at - 1) * CHUNK, len(people))
    assert await fan_out(world).step() == 1
    assert [plan.contact for plan in world.all_of(DeliveryPlanned)] == people
    assert world.state(broadcasts, SPRING).stage is Stage.FANNED_OUT


async def test_one_recipient_who_cannot_be_planned_costs_nobody_else_their_message() -> None:
    world = World()
    people = [world.meet(f"p{i}") for i in range(5)]
    announce(world)
    customer = world.plan("x", people[2]).customer
    damaged = world.digest("delivery", f"broadcast:{SPRING}", f"customer-{customer}", "", "")
    world.damage(deliveries.category, damaged)
    agenda = MemoryAgenda(due_broadcasts=[SPRING])
    world.view.until = world.log.head() - 1
    await fan_out(world, agenda=agenda).step()
    assert [plan.contact for plan in world.all_of(DeliveryPlanned)] == [*people[:2], *people[3:]]
    assert world.all_of(BroadcastFannedOut) == [BroadcastFannedOut(broadcast=SPRING, planned=4)]


async def test_a_damaged_broadcast_stops_no_other() -> None:
    world = World()
    wang = world.meet("wang")
    announce(world, SPRING)
    announce(world, AUTUMN)
    world.view.until = world.log.head()
    world.damage(broadcasts.category, SPRING)
    out = fan_out(world)
    assert await out.step() == 2
    assert [(plan.broadcast, plan.contact) for plan in world.all_of(DeliveryPlanned)] == [(AUTUMN, wang)]
    assert await out.step() == 0


async def test_one_that_others_contend_with_is_finished_by_the_next_step() -> None:
    world = World()
    wang = world.meet("wang")
    announce(world, SPRING)
    announce(world, AUTUMN)
    calls = 0

    async def contended(request: Request) -> Result:
        nonlocal calls
        calls += 1
        return Failed(VersionConflict("others were first")) if calls == 1 else await world.dispatch(request)

    out = fan_out(world, contended)
    await out.step()
    assert [plan.broadcast for plan in world.all_of(DeliveryPlanned)] == [AUTUMN]
    await out.step()
    reached = [(plan.broadcast, plan.contact) for plan in world.all_of(DeliveryPlanned)]
    assert reached == [(AUTUMN, wang), (SPRING, wang)]


async def test_cancelled_while_it_is_planned_no_more_is_planned_and_nothing_is_sent() -> None:
    world = World()
    for i in range(2 * CHUNK + 5):
        world.meet(f"p{i}")
    announce(world)
    calls = 0

    async def cancelled(request: Request) -> Result:
        nonlocal calls
        calls += 1
        result = await world.dispatch(request)
        if calls == 1:
            world.given(CancelBroadcast(broadcast=SPRING))
        return result

    await fan_out(world, cancelled).step()
    assert len(world.all_of(DeliveryPlanned)) == CHUNK
    assert world.all_of(BroadcastFannedOut) == []
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert provider.texts == []
    assert {(s.reason, s.rule) for s in world.all_of(DeliverySuppressed)} == {("cancelled", "broadcast")}
    assert len(world.all_of(DeliverySuppressed)) == CHUNK


async def test_one_that_was_not_listed_for_a_while_begins_again_and_everyone_has_exactly_one() -> None:
    world = World()
    people = [world.meet(f"p{i}") for i in range(CHUNKS_A_STEP * CHUNK + 5)]
    announce(world)
    agenda = MemoryAgenda(due_broadcasts=[SPRING])
    out = fan_out(world, agenda=agenda)
    await out.step()
    assert len(world.all_of(DeliveryPlanned)) == CHUNKS_A_STEP * CHUNK
    agenda.due_broadcasts = []
    assert await out.step() == 0
    agenda.due_broadcasts = [SPRING]
    for _ in range(2):
        await out.step()
    assert [plan.contact for plan in world.all_of(DeliveryPlanned)] == people
    assert world.all_of(BroadcastFannedOut) == [BroadcastFannedOut(broadcast=SPRING, planned=len(people))]


async def test_cancelled_while_it_is_sent_only_what_was_started_goes_out() -> None:
    world = World()
    for i in range(60):
        world.meet(f"p{i}")
    announce(world)
    await fan_out(world).step()
    provider = Provider(world)
    courier = world.courier(provider, rates=TELEGRAM_RATES)
    await world.run(courier, 0.5)
    sent = len(provider.texts)
    assert 3 <= sent < 60
    world.given(CancelBroadcast(broadcast=SPRING))
    await world.run(courier, 60.0)
    assert len(provider.texts) == sent
    assert len(world.all_of(DeliverySuppressed)) == 60 - sent


async def test_a_recurring_broadcast_goes_to_everyone_each_day_and_ends_when_it_is_cancelled() -> None:
    world = World()
    wang = world.meet("wang")
    daily = DraftBroadcast(
        broadcast=SPRING,
        audience=AudienceKind.ALL,
        text=Personal("of the day"),
        not_before=world.now,
        recurrence=Slug("daily@13:00"),
        zone=SHANGHAI,
    )
    world.given(daily, ConfirmBroadcast(broadcast=SPRING))
    out, ticks = fan_out(world), Ticks(world.view, world.dispatch, lambda: world.now)
    provider = Provider(world)
    courier = world.courier(provider)
    for _ in range(2 * 24):
        world.pass_time(3_600)
        await ticks.sync()
        await out.step()
        await world.settle(courier)
    assert provider.texts == ["of the day"] * 2
    assert [plan.contact for plan in world.all_of(DeliveryPlanned)] == [wang, wang]
    world.given(CancelBroadcast(broadcast=SPRING))
    world.pass_time(DAY_S)
    await ticks.sync()
    await out.step()
    await world.settle(courier)
    assert len(provider.texts) == 2
    assert ticks.armed == {}
