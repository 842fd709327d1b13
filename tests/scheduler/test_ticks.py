"""Ticks: what recurs fires once a local date, whatever clocks, restarts and views do."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from domain.deliveries.events import DeliveryPlanned
from domain.errors import StoreUnavailable
from domain.identity import ScheduleId, Slug, ZoneName
from domain.message import Personal
from domain.schedules.commands import CreateSchedule, EndSchedule
from domain.schedules.events import ScheduleFired
from scheduler.ticks import Ticks
from tests.domain.controls.ids import SHANGHAI, WEEKLY
from tests.scheduler.world import World

NEW_YORK = ZoneName("America/New_York")
DAILY = ScheduleId("daily")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def world_at(text: str) -> World:
    """Return a world that begins at a moment, UTC."""
    world = World()
    world.now = at(text)
    world.meet("wang")
    return world


def schedule(
    world: World, recurrence: str, zone: ZoneName = SHANGHAI, *, name: ScheduleId = DAILY
) -> CreateSchedule:
    """Return a recurring message to somebody known, from now on."""
    to = world.view.everybody()[0]
    return CreateSchedule(
        schedule=name,
        recurrence=Slug(recurrence),
        zone=zone,
        text=Personal("again"),
        starts_at=world.now,
        customer=to.customer,
        contact=to.contact,
    )


def ticks(world: World) -> Ticks:
    """Return ticks, as a start of Siyu makes them."""
    return Ticks(world.view, world.dispatch, lambda: world.now)


def fired(world: World) -> list[tuple[date, datetime]]:
    return [(event.day, event.at) for event in world.all_of(ScheduleFired)]


async def pass_time(world: World, hours: float, *, every: timedelta, some: Ticks) -> None:
    """Let time pass, looking every so often."""
    for _ in range(int(timedelta(hours=hours) / every)):
        world.pass_time(every.total_seconds())
        await some.sync()


@pytest.mark.parametrize(
    "begin, recurrence, expected",
    [
        (
            "2026-03-06T12:00",
            "daily@02:30",
            [
                (date(2026, 3, 7), at("2026-03-07T07:30")),
                (date(2026, 3, 8), at("2026-03-08T07:00")),  # the hour that is skipped: at its end
                (date(2026, 3, 9), at("2026-03-09T06:30")),
            ],
        ),
        (
            "2026-10-30T12:00",
            "daily@01:30",
            [
                (date(2026, 10, 31), at("2026-10-31T05:30")),
                (date(2026, 11, 1), at("2026-11-01T05:30")),  # the hour that comes twice: the first time
                (date(2026, 11, 2), at("2026-11-02T06:30")),
            ],
        ),
        (
            "2026-10-30T12:00",
            "sun@00:30",
            [(date(2026, 11, 1), at("2026-11-01T04:30"))],
        ),
    ],
)
async def test_when_clocks_change_each_local_date_has_its_message_once(
    begin: str, recurrence: str, expected: list[tuple[date, datetime]]
) -> None:
    world = world_at(begin)
    world.given(schedule(world, recurrence, NEW_YORK))
    await pass_time(world, 72, every=timedelta(minutes=15), some=ticks(world))
    assert fired(world) == expected
    assert [plan.not_before for plan in world.all_of(DeliveryPlanned)] == [moment for _, moment in expected]


async def test_a_slot_fires_when_it_is_due_and_not_before() -> None:
    world = world_at("2026-03-02T04:00")
    world.given(schedule(world, "daily@13:00"))
    some = ticks(world)
    world.pass_time(3_599)
    await some.sync()
    assert fired(world) == []
    world.pass_time(1)
    await some.sync()
    assert fired(world) == [(date(2026, 3, 2), at("2026-03-02T05:00"))]


async def test_ticks_that_run_twice_fire_once_also_on_a_view_that_lags() -> None:
    world = world_at("2026-03-02T04:00")
    world.given(schedule(world, "daily@13:00"))
    beside = World(beside=world)
    beside.now = world.now
    beside.view.until = world.log.head()
    one, two = ticks(world), ticks(beside)
    for _ in range(5):
        world.pass_time(1_800)
        beside.pass_time(1_800)
        await asyncio.gather(one.sync(), two.sync(), one.sync())
    assert fired(world) == [(date(2026, 3, 2), at("2026-03-02T05:00"))]
    assert len(world.all_of(DeliveryPlanned)) == 1


async def test_of_what_was_missed_while_nobody_ran_only_the_newest_fires() -> None:
    world = world_at("2026-03-02T04:00")
    world.given(schedule(world, "daily@13:00"))
    world.pass_time(timedelta(days=5, hours=2).total_seconds())
    await ticks(world).sync()
    assert fired(world) == [(date(2026, 3, 7), at("2026-03-07T05:00"))]


async def test_of_two_that_fall_into_one_day_because_clocks_changed_the_newest_fires() -> None:
    world = world_at("2026-03-06T12:00")
    world.given(schedule(world, "daily@13:00", NEW_YORK))
    world.now = at("2026-03-08T17:30")  # the 13:00 of the 7th is 23.5 hours ago
    await ticks(world).sync()
    assert fired(world) == [(date(2026, 3, 8), at("2026-03-08T17:00"))]


async def test_what_was_missed_more_than_a_day_ago_is_left_out() -> None:
    world = world_at("2026-03-02T04:00")
    world.given(schedule(world, "mon@13:00"))
    world.pass_time(timedelta(days=3).total_seconds())
    await ticks(world).sync()
    assert fired(world) == []


async def test_a_clock_that_goes_back_a_day_fires_nothing_again() -> None:
    world = world_at("2026-03-02T04:00")
    world.given(schedule(world, "daily@13:00"))
    some = ticks(world)
    world.pass_time(25 * 3_600 + 3_600)
    await some.sync()
    world.now -= timedelta(days=1)
    await pass_time(world, 25, every=timedelta(hours=1), some=some)
    days = [day for day, _ in fired(world)]
    assert days == [date(2026, 3, 3)]


async def test_what_has_ended_fires_no_more_and_is_armed_no_more() -> None:
    world = world_at("2026-03-02T04:00")
    world.given(schedule(world, "daily@13:00"), schedule(world, "mon@14:00", name=WEEKLY))
    some = ticks(world)
    await some.sync()
    assert some.armed == {DAILY: at("2026-03-02T05:00"), WEEKLY: at("2026-03-02T06:00")}
    world.given(EndSchedule(schedule=DAILY))
    await pass_time(world, 48, every=timedelta(hours=1), some=some)
    assert [event.schedule for event in world.all_of(ScheduleFired)] == [WEEKLY]
    assert some.armed == {WEEKLY: at("2026-03-09T06:00")}


async def test_a_schedule_that_ended_a_moment_ago_sends_nothing_though_the_view_still_shows_it() -> None:
    world = world_at("2026-03-02T04:00")
    world.given(schedule(world, "daily@13:00"))
    world.view.until = world.log.head()
    world.given(EndSchedule(schedule=DAILY))
    world.pass_time(3_600)
    await ticks(world).sync()
    assert world.all_of(DeliveryPlanned) == []


async def test_a_store_that_is_away_is_told_and_the_slot_fires_later() -> None:
    world = world_at("2026-03-02T04:00")
    world.given(schedule(world, "daily@13:00"))
    some = ticks(world)
    world.pass_time(3_600)
    world.failures = [StoreUnavailable("away")]
    with pytest.raises(StoreUnavailable):
        await some.sync()
    await some.sync()
    assert fired(world) == [(date(2026, 3, 2), at("2026-03-02T05:00"))]


@pytest.mark.parametrize(
    "recurrence, zone", [("now and then", SHANGHAI), ("daily@13:00", ZoneName("Mars/Olympus"))]
)
async def test_a_schedule_that_makes_no_sense_stops_no_other(recurrence: str, zone: ZoneName) -> None:
    world = world_at("2026-03-02T04:00")
    world.given(schedule(world, recurrence, zone, name=WEEKLY), schedule(world, "daily@13:00"))
    world.pass_time(3_600)
    await ticks(world).sync()
    assert [event.schedule for event in world.all_of(ScheduleFired)] == [DAILY]


@time_machine.travel(at("2026-03-02T04:59:59.700"), tick=True)
async def test_the_alarm_rings_at_the_slot_and_arms_the_next() -> None:
    world = World()
    world.now = at("2026-03-02T04:00")
    world.meet("wang")
    world.given(schedule(world, "daily@13:00"))
    some = Ticks(world.view, world.dispatch, lambda: datetime.now(UTC))
    some.start()
    await some.sync()
    assert fired(world) == []
    await _until(lambda: some.armed == {DAILY: at("2026-03-03T05:00")})
    some.stop()
    assert fired(world) == [(date(2026, 3, 2), at("2026-03-02T05:00"))]


@time_machine.travel(at("2026-03-02T04:59:59.700"), tick=True)
async def test_a_store_that_is_away_when_the_alarm_rings_leaves_the_slot_to_the_next_look() -> None:
    world = World()
    world.now = at("2026-03-02T04:00")
    world.meet("wang")
    world.given(schedule(world, "daily@13:00"))
    some = Ticks(world.view, world.dispatch, lambda: datetime.now(UTC))
    some.start()
    await some.sync()
    world.failures = [StoreUnavailable("away")]
    await _until(lambda: not world.failures)
    some.stop()
    assert fired(world) == []
    await some.sync()
    assert fired(world) == [(date(2026, 3, 2), at("2026-03-02T05:00"))]


@time_machine.travel(at("2026-03-02T02:59:59.700"), tick=True)
async def test_housekeeping_is_done_at_its_hour() -> None:
    world = World()
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    some = Ticks(world.view, world.dispatch, lambda: datetime.now(UTC))
    some.daily("sweep", hour=3, work=work)
    some.start()
    async with asyncio.timeout(5):
        await done.wait()
    some.stop()
    assert datetime.now(UTC) >= at("2026-03-02T03:00")


async def _until(condition: Callable[[], bool]) -> None:
    """Wait for what the alarm does, in a task of its own."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_where_another_process_leads_nothing_fires_and_nothing_is_armed() -> None:
    world = world_at("2026-11-20T12:00")
    world.given(schedule(world, "daily@20:30"))
    world.pass_time(3_600)
    leading: list[bool] = []
    some = Ticks(world.view, world.dispatch, lambda: world.now, lambda: bool(leading))
    await some.sync()
    assert (fired(world), some.armed) == ([], {})
    leading.append(True)
    some.start()
    await some.sync()
    some.stop()
    assert (len(fired(world)), list(some.armed)) == (1, [DAILY])
