"""What recurs: a confirmed broadcast becomes a schedule, and a schedule that fires a message or a broadcast."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.broadcasts.broadcast import Stage, broadcasts
from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast
from domain.broadcasts.events import (
    AudienceKind,
    BroadcastCancelled,
    BroadcastConfirmed,
    BroadcastDrafted,
    BroadcastFannedOut,
)
from domain.deliveries.events import DeliveryClass, DeliveryPlanned
from domain.identity import BroadcastId, ContactId, CustomerId, DeliveryId, ScheduleId, Slug, SubjectId, Tag
from domain.message import Personal
from domain.schedules.commands import EndSchedule, FireSchedule
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired
from tests.domain.controls import commands, events
from tests.domain.controls.ids import ALICE, FANS, MRS_WANG, NOON, SHANGHAI, SPRING, VIP, WEEKLY
from tests.domain.shop import Shop

EVERY_MONDAY = replace(commands.DRAFT_BROADCAST, recurrence=Slug("mon@12:00"), zone=SHANGHAI)
TO_GROUP = commands.CREATE_SCHEDULE
TO_ALL = replace(TO_GROUP, group=None, service=None)
TO_ONE = replace(TO_ALL, contact=ALICE, customer=MRS_WANG)
DAY = timedelta(days=1)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def schedule_of(shop: Shop) -> ScheduleId:
    return ScheduleId(shop.digest("schedule", SPRING))


def test_a_broadcast_for_once_waits_for_its_fan_out(shop: Shop) -> None:
    shop.given(commands.DRAFT_BROADCAST).when(commands.CONFIRM_BROADCAST).then(events.BROADCAST_CONFIRMED)
    assert shop.state(broadcasts, SPRING).stage is Stage.CONFIRMED


def test_a_recurring_broadcast_becomes_a_schedule_and_is_never_fanned_out_itself(shop: Shop) -> None:
    shop.given(EVERY_MONDAY).when(commands.CONFIRM_BROADCAST).then(
        events.BROADCAST_CONFIRMED,
        BroadcastFannedOut(broadcast=SPRING, planned=0),  # an append is stored stream by stream
        ScheduleCreated(
            schedule=schedule_of(shop),
            recurrence=Slug("mon@12:00"),
            zone=SHANGHAI,
            text=Personal("春茶上新"),
            starts_at=NOON,
            tag=VIP,
        ),
    )
    shop.when(commands.CONFIRM_BROADCAST).then()


def test_a_recurring_broadcast_that_is_cancelled_recurs_no_more(shop: Shop) -> None:
    shop.given(EVERY_MONDAY, commands.CONFIRM_BROADCAST)
    shop.when(CancelBroadcast(broadcast=SPRING)).then(
        BroadcastCancelled(broadcast=SPRING), ScheduleEnded(schedule=schedule_of(shop))
    )
    fire = FireSchedule(schedule=schedule_of(shop), day=NOON.date(), at=NOON)
    shop.when(fire).then_kinds(ScheduleFired)


@pytest.mark.parametrize("draft", [EVERY_MONDAY, commands.DRAFT_BROADCAST], ids=["recurring", "once"])
def test_a_draft_can_be_cancelled_before_there_is_a_schedule(shop: Shop, draft: object) -> None:
    assert isinstance(draft, type(EVERY_MONDAY))
    shop.given(draft).when(CancelBroadcast(broadcast=SPRING)).then(events.BROADCAST_CANCELLED)


def test_a_schedule_of_a_group_fires_into_a_message_for_it(shop: Shop) -> None:
    shop.given(replace(TO_GROUP, service=None)).when(commands.FIRE_SCHEDULE).then(
        events.SCHEDULE_FIRED,
        DeliveryPlanned(
            delivery=DeliveryId(
                shop.digest("delivery", f"schedule:{WEEKLY}", f"group-{FANS}", "2026-03-02", "")
            ),
            subject=SubjectId(f"group-{FANS}"),
            kind=DeliveryClass.MARKETING,
            occasion=Slug("schedule"),
            group=FANS,
            text=Personal("周一茶话"),
            not_before=NOON,
            expires_at=NOON + DAY,
            automatic=True,
        ),
    )


def test_with_a_reason_it_is_a_service_message(shop: Shop) -> None:
    shop.given(TO_GROUP, commands.FIRE_SCHEDULE)
    assert [event.kind for event in shop.all_of(DeliveryPlanned)] == [DeliveryClass.SERVICE]


def test_a_schedule_of_a_customer_fires_into_a_message_for_them(shop: Shop) -> None:
    shop.given(TO_ONE, commands.FIRE_SCHEDULE)
    (planned,) = shop.all_of(DeliveryPlanned)
    assert (planned.contact, planned.customer, planned.group) == (ALICE, MRS_WANG, None)
    assert (planned.kind, planned.subject) == (DeliveryClass.MARKETING, f"contact-{ALICE}")


@pytest.mark.parametrize("tag, audience", [(VIP, AudienceKind.TAG), (None, AudienceKind.ALL)])
def test_a_schedule_of_many_fires_into_a_confirmed_broadcast(
    shop: Shop, tag: Tag | None, audience: AudienceKind
) -> None:
    shop.given(replace(TO_ALL, tag=tag))
    broadcast = BroadcastId(shop.digest("broadcast", WEEKLY, "2026-03-02"))
    shop.when(commands.FIRE_SCHEDULE).then(
        events.SCHEDULE_FIRED,
        BroadcastDrafted(
            broadcast=broadcast,
            audience=audience,
            tag=tag,
            text=Personal("周一茶话"),
            not_before=NOON,
            schedule=WEEKLY,
        ),
        BroadcastConfirmed(broadcast=broadcast, not_before=NOON),
    )


def test_a_tick_that_runs_twice_fires_once(shop: Shop) -> None:
    shop.given(TO_GROUP)
    again = replace(commands.FIRE_SCHEDULE, at=NOON + timedelta(hours=1))
    shop.batch(commands.FIRE_SCHEDULE, commands.FIRE_SCHEDULE, again)
    shop.given(again)
    assert len(shop.all_of(ScheduleFired)) == len(shop.all_of(DeliveryPlanned)) == 1


def test_each_day_has_its_own_message(shop: Shop) -> None:
    next_week = FireSchedule(schedule=WEEKLY, day=(NOON + 7 * DAY).date(), at=NOON + 7 * DAY)
    shop.given(TO_GROUP, commands.FIRE_SCHEDULE, next_week)
    assert len({event.delivery for event in shop.all_of(DeliveryPlanned)}) == 2


def test_a_schedule_that_ended_writes_to_nobody(shop: Shop) -> None:
    shop.given(TO_ONE, EndSchedule(schedule=WEEKLY)).when(commands.FIRE_SCHEDULE).then_kinds(ScheduleFired)


def test_a_schedule_that_never_was_writes_to_nobody(shop: Shop) -> None:
    shop.when(commands.FIRE_SCHEDULE).then_kinds(ScheduleFired)


def test_confirming_twice_in_one_batch_confirms_once(shop: Shop) -> None:
    shop.given(EVERY_MONDAY)
    confirm = ConfirmBroadcast(broadcast=SPRING)
    shop.batch(confirm, confirm)
    assert len(shop.all_of(BroadcastConfirmed)) == len(shop.all_of(ScheduleCreated)) == 1


def test_a_slot_is_keyed_by_its_schedule_too(shop: Shop) -> None:
    other = ScheduleId("other")
    one = replace(TO_ONE, schedule=other, contact=ContactId("bob"), customer=CustomerId("lin"))
    shop.given(TO_ONE, one, commands.FIRE_SCHEDULE, replace(commands.FIRE_SCHEDULE, schedule=other))
    assert [event.contact for event in shop.all_of(DeliveryPlanned)] == [ALICE, ContactId("bob")]
