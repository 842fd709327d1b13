"""The broadcast: drafted, confirmed, fanned out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast, DraftBroadcast, FinishFanOut
from domain.broadcasts.events import (
    EVENTS,
    AudienceKind,
    BroadcastCancelled,
    BroadcastConfirmed,
    BroadcastDrafted,
    BroadcastFannedOut,
)
from domain.decider import Decider, Streams
from domain.errors import Rejected, UnknownRecipient
from domain.identity import GroupId, Slug, Tag, ZoneName
from domain.message import Context, Event, Personal

BroadcastCommand = DraftBroadcast | ConfirmBroadcast | FinishFanOut | CancelBroadcast
BroadcastEvent = BroadcastDrafted | BroadcastConfirmed | BroadcastFannedOut | BroadcastCancelled


class Stage(StrEnum):
    """Where a broadcast stands."""

    NONE = "none"
    DRAFT = "draft"
    CONFIRMED = "confirmed"
    FANNED_OUT = "fanned-out"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class BroadcastState:
    """``text`` stays sealed until somebody reads it."""

    stage: Stage = Stage.NONE
    audience: AudienceKind = AudienceKind.ALL
    tag: Tag | None = None
    group: GroupId | None = None
    text: Personal[str] | None = None
    not_before: datetime | None = None
    recurrence: Slug | None = None
    zone: ZoneName | None = None


def _confirm(state: BroadcastState, command: ConfirmBroadcast, context: Context) -> Sequence[Event]:
    if state.stage is Stage.CANCELLED:
        raise Rejected("this broadcast was cancelled")
    if state.stage is not Stage.DRAFT or state.not_before is None:
        return ()
    return (BroadcastConfirmed(broadcast=command.broadcast, not_before=max(state.not_before, context.now)),)


def decide(state: BroadcastState, command: BroadcastCommand, context: Context) -> Sequence[Event]:
    """Decide what a command means for this broadcast."""
    if isinstance(command, DraftBroadcast):
        if state.stage is not Stage.NONE:
            return ()
        return (
            BroadcastDrafted(
                broadcast=command.broadcast,
                audience=command.audience,
                tag=command.tag,
                group=command.group,
                text=command.text,
                not_before=command.not_before,
                recurrence=command.recurrence,
                zone=command.zone,
                operator=command.operator,
                schedule=command.schedule,
                code=command.code,
            ),
        )
    if state.stage is Stage.NONE:
        raise UnknownRecipient("no such broadcast")
    match command:
        case ConfirmBroadcast():
            return _confirm(state, command, context)
        case FinishFanOut(broadcast=broadcast, planned=planned):
            done = state.stage is Stage.CONFIRMED
            return (BroadcastFannedOut(broadcast=broadcast, planned=planned),) if done else ()
        case CancelBroadcast(broadcast=broadcast, recall=recall):
            over = state.stage is Stage.CANCELLED and not recall
            return () if over else (BroadcastCancelled(broadcast=broadcast, recall=recall),)
        case _:
            assert_never(command)


def evolve(state: BroadcastState, event: BroadcastEvent) -> BroadcastState:
    """Fold one event into the state."""
    match event:
        case BroadcastDrafted():
            return BroadcastState(
                stage=Stage.DRAFT,
                audience=event.audience,
                tag=event.tag,
                group=event.group,
                text=event.text,
                not_before=event.not_before,
                recurrence=event.recurrence,
                zone=event.zone,
            )
        case BroadcastConfirmed(not_before=not_before):
            return replace(state, stage=Stage.CONFIRMED, not_before=not_before)
        case BroadcastFannedOut():
            return replace(state, stage=Stage.FANNED_OUT)
        case BroadcastCancelled():
            return replace(state, stage=Stage.CANCELLED)
        case _:
            assert_never(event)


def _key(command: BroadcastCommand, _streams: Streams) -> str:
    return command.broadcast


broadcasts = Decider(
    category="broadcast",
    initial=BroadcastState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(DraftBroadcast, ConfirmBroadcast, FinishFanOut, CancelBroadcast),
    key=_key,
)
