from dataclasses import replace
from datetime import timedelta

import pytest

from domain.broadcasts.broadcast import BroadcastState, Stage, broadcasts
from domain.broadcasts.events import AudienceKind
from domain.errors import UnknownRecipient
from domain.message import Command, Event, Personal
from tests.domain.controls import commands, events
from tests.domain.controls.ids import NOON, VIP
from tests.domain.given import given

DRAFTED, CONFIRMED = events.BROADCAST_DRAFTED, events.BROADCAST_CONFIRMED


def test_a_broadcast_is_drafted_once() -> None:
    state = given(broadcasts).when(commands.DRAFT_BROADCAST).then(DRAFTED)
    assert state == BroadcastState(
        stage=Stage.DRAFT, audience=AudienceKind.TAG, tag=VIP, text=Personal("春茶上新"), not_before=NOON
    )
    other_text = replace(commands.DRAFT_BROADCAST, text=Personal("秋茶"))
    given(broadcasts, DRAFTED).when(other_text).then_nothing()


@pytest.mark.parametrize(
    "command", [commands.CONFIRM_BROADCAST, commands.FINISH_FAN_OUT, commands.CANCEL_BROADCAST]
)
def test_a_broadcast_never_drafted_is_unknown(command: Command) -> None:
    given(broadcasts).when(command).then_rejected("no such broadcast", UnknownRecipient)


def test_it_is_confirmed_once_however_often_somebody_says_so() -> None:
    state = given(broadcasts, DRAFTED).when(commands.CONFIRM_BROADCAST).then(CONFIRMED)
    assert state.stage is Stage.CONFIRMED
    given(broadcasts, DRAFTED, CONFIRMED).when(commands.CONFIRM_BROADCAST).then_nothing()
    done = given(broadcasts, DRAFTED, CONFIRMED, events.BROADCAST_FANNED_OUT)
    done.when(commands.CONFIRM_BROADCAST).then_nothing()


def test_one_confirmed_late_goes_out_from_then_on() -> None:
    late = NOON + timedelta(minutes=20)
    state = given(broadcasts, DRAFTED).when(commands.CONFIRM_BROADCAST, at=late)
    assert state.then(replace(CONFIRMED, not_before=late)).not_before == late


def test_one_confirmed_early_goes_out_at_its_time() -> None:
    given(broadcasts, DRAFTED).when(commands.CONFIRM_BROADCAST, at=NOON - timedelta(hours=2)).then(CONFIRMED)


def test_it_is_fanned_out_once_and_only_when_confirmed() -> None:
    fanned = events.BROADCAST_FANNED_OUT
    state = given(broadcasts, DRAFTED, CONFIRMED).when(commands.FINISH_FAN_OUT).then(fanned)
    assert state.stage is Stage.FANNED_OUT
    given(broadcasts, DRAFTED).when(commands.FINISH_FAN_OUT).then_nothing()
    given(broadcasts, DRAFTED, CONFIRMED, fanned).when(commands.FINISH_FAN_OUT).then_nothing()
    given(broadcasts, DRAFTED, events.BROADCAST_CANCELLED).when(commands.FINISH_FAN_OUT).then_nothing()


@pytest.mark.parametrize("before", [[], [CONFIRMED], [CONFIRMED, events.BROADCAST_FANNED_OUT]], ids=len)
def test_it_can_be_cancelled_at_every_stage_once(before: list[Event]) -> None:
    cancelled = events.BROADCAST_CANCELLED
    state = given(broadcasts, DRAFTED, *before).when(commands.CANCEL_BROADCAST).then(cancelled)
    assert state.stage is Stage.CANCELLED
    given(broadcasts, DRAFTED, *before, cancelled).when(commands.CANCEL_BROADCAST).then_nothing()


def test_a_cancelled_one_cannot_be_confirmed() -> None:
    given(broadcasts, DRAFTED, events.BROADCAST_CANCELLED).when(commands.CONFIRM_BROADCAST).then_rejected(
        "this broadcast was cancelled"
    )


def test_what_went_out_can_be_asked_back_of_a_cancelled_one_too() -> None:
    recall = replace(commands.CANCEL_BROADCAST, recall=True)
    wanted_back = replace(events.BROADCAST_CANCELLED, recall=True)
    given(broadcasts, DRAFTED, events.BROADCAST_CANCELLED).when(recall).then(wanted_back)
