"""Recurring: a confirmed broadcast that recurs becomes a schedule; a schedule that fires becomes a message, or a broadcast."""

from collections.abc import Iterable
from datetime import timedelta

from domain.broadcasts.broadcast import broadcasts
from domain.broadcasts.commands import ConfirmBroadcast, DraftBroadcast, FinishFanOut
from domain.broadcasts.events import AudienceKind, BroadcastCancelled, BroadcastConfirmed
from domain.contacts.contact import contacts
from domain.decider import Process, Streams
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.identity import BroadcastId, DeliveryId, ScheduleId, Slug, SubjectId
from domain.message import Command, Recorded
from domain.schedules.commands import CreateSchedule, EndSchedule
from domain.schedules.events import ScheduleFired
from domain.schedules.schedule import ScheduleState, schedules

OCCURRENCE_LIVES = timedelta(hours=24)
"""What could not go out within a day of its time is left out: the next occurrence comes."""


def _schedule(event: BroadcastConfirmed, streams: Streams) -> Iterable[Command]:
    state = streams.state(broadcasts, event.broadcast)
    if state.recurrence is None or state.zone is None or state.text is None:
        return
    yield CreateSchedule(
        schedule=_schedule_of(event.broadcast, streams),
        recurrence=state.recurrence,
        zone=state.zone,
        text=state.text,
        starts_at=event.not_before,
        group=state.group,
        tag=state.tag,
    )
    yield FinishFanOut(broadcast=event.broadcast, planned=0)


def _end(event: BroadcastCancelled, streams: Streams) -> Iterable[Command]:
    """What was cancelled recurs no more."""
    schedule = _schedule_of(event.broadcast, streams)
    if streams.state(schedules, schedule).exists:
        yield EndSchedule(schedule=schedule)


def _schedule_of(broadcast: BroadcastId, streams: Streams) -> ScheduleId:
    return ScheduleId(streams.digest("schedule", broadcast))


def _fire(event: ScheduleFired, streams: Streams) -> Iterable[Command]:
    state = streams.state(schedules, event.schedule)
    if state.ended or state.text is None:
        return
    if state.contact is not None and streams.state(contacts, state.contact).forgotten:
        yield EndSchedule(schedule=event.schedule)
        return
    if state.contact is None and state.group is None:
        broadcast = BroadcastId(streams.digest("broadcast", event.schedule, event.day.isoformat()))
        yield DraftBroadcast(
            broadcast=broadcast,
            audience=AudienceKind.TAG if state.tag is not None else AudienceKind.ALL,
            tag=state.tag,
            text=state.text,
            not_before=event.at,
            schedule=event.schedule,
        )
        yield ConfirmBroadcast(broadcast=broadcast)
    else:
        yield _message(event, state, streams)


def _message(event: ScheduleFired, state: ScheduleState, streams: Streams) -> PlanDelivery:
    place = f"group-{state.group}" if state.group else f"contact-{state.contact}"
    recipient = place if state.group else f"customer-{state.customer}"
    digest = streams.digest("delivery", f"schedule:{event.schedule}", recipient, event.day.isoformat(), "")
    return PlanDelivery(
        delivery=DeliveryId(digest),
        subject=SubjectId(place),
        kind=DeliveryClass.SERVICE if state.service else DeliveryClass.MARKETING,
        occasion=Slug("schedule"),
        contact=state.contact,
        customer=state.customer,
        group=state.group,
        text=state.text,
        not_before=event.at,
        expires_at=event.at + OCCURRENCE_LIVES,
        automatic=True,
    )


def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
    """Turn one into the other."""
    match recorded.event:
        case BroadcastConfirmed() as event:
            return _schedule(event, streams)
        case BroadcastCancelled() as event:
            return _end(event, streams)
        case ScheduleFired() as event:
            return _fire(event, streams)
        case _:
            return ()


recurring = Process(
    "recurring", (BroadcastConfirmed, BroadcastCancelled, ScheduleFired), react, immediate=True
)
