"""The recurring message, and the slots in which it fired."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import assert_never

from domain.decider import Decider, Streams
from domain.errors import UnknownRecipient
from domain.identity import ContactId, CustomerId, GroupId, OperatorId, Tag
from domain.message import Context, Event, Personal
from domain.schedules.commands import CreateSchedule, EndSchedule, FireSchedule
from domain.schedules.events import EVENTS, SLOT_EVENTS, ScheduleCreated, ScheduleEnded, ScheduleFired

CREATED_FIELDS = tuple(field.name for field in fields(ScheduleCreated))


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """``text`` stays sealed until somebody reads it."""

    exists: bool = False
    ended: bool = False
    text: Personal[str] | None = None
    customer: CustomerId | None = None
    contact: ContactId | None = None
    group: GroupId | None = None
    tag: Tag | None = None
    operator: OperatorId | None = None
    service: Personal[str] | None = None


def decide(state: ScheduleState, command: CreateSchedule | EndSchedule, _context: Context) -> Sequence[Event]:
    """Decide what a command means for this schedule."""
    match command:
        case CreateSchedule():
            if state.exists:
                return ()
            return (ScheduleCreated(**{name: getattr(command, name) for name in CREATED_FIELDS}),)
        case EndSchedule(schedule=schedule):
            if not state.exists:
                raise UnknownRecipient("no such schedule")
            return () if state.ended else (ScheduleEnded(schedule=schedule),)
        case _:
            assert_never(command)


def evolve(state: ScheduleState, event: ScheduleCreated | ScheduleEnded) -> ScheduleState:
    """Fold one event into the state."""
    match event:
        case ScheduleCreated():
            return ScheduleState(
                exists=True,
                text=event.text,
                customer=event.customer,
                contact=event.contact,
                group=event.group,
                tag=event.tag,
                operator=event.operator,
                service=event.service,
            )
        case ScheduleEnded():
            return replace(state, ended=True)
        case _:
            assert_never(event)


def _key(command: CreateSchedule | EndSchedule, _streams: Streams) -> str:
    return command.schedule


schedules = Decider(
    category="schedule",
    initial=ScheduleState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(CreateSchedule, EndSchedule),
    key=_key,
)


def _fire(fired: bool, command: FireSchedule, _context: Context) -> Sequence[Event]:  # noqa: FBT001  # the state is that one fact
    return () if fired else (ScheduleFired(schedule=command.schedule, day=command.day, at=command.at),)


slots: Decider[bool] = Decider(
    category="slot",
    initial=False,
    decide=_fire,
    evolve=lambda _fired, _event: True,
    events=SLOT_EVENTS,
    commands=(FireSchedule,),
    key=lambda command, streams: streams.digest("slot", command.schedule, command.day.isoformat()),
)
"""One (schedule, local date) a stream: a tick that runs twice fires once."""
