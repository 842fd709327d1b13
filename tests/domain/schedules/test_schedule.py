from dataclasses import replace
from datetime import timedelta

from domain.errors import UnknownRecipient
from domain.message import Personal
from domain.schedules.schedule import ScheduleState, schedules, slots
from tests.domain.controls import commands, events
from tests.domain.controls.ids import FANS, LI
from tests.domain.given import given


def test_a_schedule_is_created_once() -> None:
    state = given(schedules).when(commands.CREATE_SCHEDULE).then(events.SCHEDULE_CREATED)
    assert state == ScheduleState(
        exists=True, text=Personal("周一茶话"), group=FANS, operator=LI, service=Personal("群规")
    )
    other = replace(commands.CREATE_SCHEDULE, text=Personal("别的"))
    given(schedules, events.SCHEDULE_CREATED).when(other).then_nothing()


def test_a_schedule_is_ended_once() -> None:
    created = given(schedules, events.SCHEDULE_CREATED)
    assert created.when(commands.END_SCHEDULE).then(events.SCHEDULE_ENDED).ended
    ended = given(schedules, events.SCHEDULE_CREATED, events.SCHEDULE_ENDED)
    ended.when(commands.END_SCHEDULE).then_nothing()


def test_a_schedule_that_ended_is_not_created_again() -> None:
    ended = given(schedules, events.SCHEDULE_CREATED, events.SCHEDULE_ENDED)
    ended.when(commands.CREATE_SCHEDULE).then_nothing()


def test_a_schedule_never_created_cannot_end() -> None:
    given(schedules).when(commands.END_SCHEDULE).then_rejected("no such schedule", UnknownRecipient)


def test_a_slot_fires_once_at_whatever_hour_the_tick_comes_again() -> None:
    assert given(slots).when(commands.FIRE_SCHEDULE).then(events.SCHEDULE_FIRED)
    again = replace(commands.FIRE_SCHEDULE, at=commands.FIRE_SCHEDULE.at + timedelta(hours=1))
    given(slots, events.SCHEDULE_FIRED).when(again).then_nothing()
