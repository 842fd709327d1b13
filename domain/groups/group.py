"""The group: known, present, and what was sent to it lately."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from domain.decider import Decider, Streams
from domain.groups.commands import LeaveGroup, MigrateGroup, RejoinGroup, ReleaseGroupReservation, SeeGroup
from domain.groups.events import (
    EVENTS,
    GroupAnswered,
    GroupLeft,
    GroupMigrated,
    GroupRejoined,
    GroupRenamed,
    GroupReservationReleased,
    GroupSeen,
    GroupSendReserved,
)
from domain.identity import Account, Channel, DeliveryId, Slug
from domain.message import Context, Event

RESERVATIONS_KEPT = timedelta(days=8)
"""A little more than the longest cap window, a week."""
ANSWERS_KEPT = 1_000
"""More in a week than in any group that people stay in; the newest are kept."""

GroupCommand = SeeGroup | MigrateGroup | LeaveGroup | RejoinGroup | ReleaseGroupReservation
GroupEvent = (
    GroupSeen
    | GroupRenamed
    | GroupMigrated
    | GroupLeft
    | GroupRejoined
    | GroupSendReserved
    | GroupAnswered
    | GroupReservationReleased
)


@dataclass(frozen=True, slots=True)
class GroupState:
    """``left``: why we cannot write there, None while we can. ``answers``: what went there lately and was no marketing."""

    known: bool = False
    channel: Channel = Channel("")
    account: Account = Account("")
    title_digest: Slug | None = None
    kind: Slug = Slug("")
    left: Slug | None = None
    reservations: tuple[tuple[DeliveryId, datetime], ...] = ()
    answers: tuple[tuple[DeliveryId, datetime], ...] = ()


def _see(state: GroupState, command: SeeGroup) -> Sequence[Event]:
    if not state.known:
        return (
            GroupSeen(
                group=command.group,
                channel=command.channel,
                account=command.account,
                external_id=command.external_id,
                title=command.title,
                title_digest=command.title_digest,
                kind=command.kind,
            ),
        )
    events: list[Event] = []
    if state.left is not None:  # whoever hears a group is in it
        events.append(GroupRejoined(group=command.group))
    if command.title.value and command.title_digest != state.title_digest:
        events.append(
            GroupRenamed(group=command.group, title=command.title, title_digest=command.title_digest)
        )
    return events


def decide(state: GroupState, command: GroupCommand, _context: Context) -> Sequence[Event]:
    """Decide what a command means for this group; saying what is already so changes nothing."""
    match command:
        case SeeGroup():
            return _see(state, command)
        case MigrateGroup(group=group, external_id=external_id, kind=kind):
            same = not state.known or state.kind == kind
            return () if same else (GroupMigrated(group=group, external_id=external_id, kind=kind),)
        case LeaveGroup(group=group, reason=reason):
            return (GroupLeft(group=group, reason=reason),) if state.known and state.left is None else ()
        case RejoinGroup(group=group):
            return (GroupRejoined(group=group),) if state.left is not None else ()
        case ReleaseGroupReservation(group=group, delivery=delivery):
            held = any(noted == delivery for noted, _ in (*state.reservations, *state.answers))
            return (GroupReservationReleased(group=group, delivery=delivery),) if held else ()
        case _:
            assert_never(command)


def evolve(state: GroupState, event: GroupEvent) -> GroupState:
    """Fold one event into the state."""
    match event:
        case GroupSeen():
            return replace(
                state,
                known=True,
                channel=event.channel,
                account=event.account,
                title_digest=event.title_digest,
                kind=event.kind,
            )
        case GroupRenamed():
            return replace(state, title_digest=event.title_digest)
        case GroupMigrated(kind=kind):
            return replace(state, kind=kind)
        case GroupLeft(reason=reason):
            return replace(state, left=reason)
        case GroupRejoined():
            return replace(state, left=None)
        case GroupSendReserved(delivery=delivery, at=at):
            return replace(state, reservations=_noted(state.reservations, delivery, at))
        case GroupAnswered(delivery=delivery, at=at):
            return replace(state, answers=_noted(state.answers, delivery, at)[-ANSWERS_KEPT:])
        case GroupReservationReleased(delivery=delivery):
            return replace(
                state,
                reservations=tuple((d, t) for d, t in state.reservations if d != delivery),
                answers=tuple((d, t) for d, t in state.answers if d != delivery),
            )
        case _:
            assert_never(event)


def _noted(
    before: tuple[tuple[DeliveryId, datetime], ...], delivery: DeliveryId, at: datetime
) -> tuple[tuple[DeliveryId, datetime], ...]:
    recent = tuple((d, t) for d, t in before if at - t < RESERVATIONS_KEPT and d != delivery)
    return (*recent, (delivery, at))


def _key(command: GroupCommand, _streams: Streams) -> str:
    return command.group


groups = Decider(
    category="group",
    initial=GroupState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(SeeGroup, MigrateGroup, LeaveGroup, RejoinGroup, ReleaseGroupReservation),
    key=_key,
)
