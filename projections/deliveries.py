"""Deliveries: what became of each message that was meant to go out, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Index, Integer, Select, String, Table, Text, func, select

from domain.broadcasts.broadcast import Stage
from domain.broadcasts.events import (
    AudienceKind,
    BroadcastCancelled,
    BroadcastConfirmed,
    BroadcastDrafted,
    BroadcastFannedOut,
)
from domain.deliveries.delivery import Phase
from domain.deliveries.events import (
    DeliveryAccepted,
    DeliveryClass,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryPostponed,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.identity import (
    BroadcastId,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    GroupId,
    OperatorId,
    ScheduleId,
    Slug,
    Tag,
)
from domain.message import Recorded
from projections.projection import PARTY_EVENTS, Parties, Projection, Row, Rows
from projections.schema import METADATA, Utc, parties_table

SHORTEST_PREFIX = 6

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("delivery", String, primary_key=True),
    Column("phase", String, nullable=False),
    Column("reason", String),
    Column("rule", String),
    Column("kind", String, nullable=False),
    Column("occasion", String, nullable=False),
    Column("contact", String, index=True),
    Column("customer", String),
    Column("group_id", String),
    Column("text", Text),
    Column("broadcast", String, index=True),
    Column("operator", String),
    Column("automatic", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("provider_message", String),
    Column("planned_at", Utc, nullable=False, index=True),
    Column("not_before", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("ended_at", Utc),
    Index("deliveries_by_phase", "phase", "reason", "kind"),
)
BROADCASTS = Table(
    "delivery_broadcasts",
    METADATA,
    Column("broadcast", String, primary_key=True),
    Column("stage", String, nullable=False),
    Column("audience", String, nullable=False),
    Column("tag", String),
    Column("group_id", String),
    Column("text", Text, nullable=False),
    Column("not_before", Utc, nullable=False),
    Column("recurrence", String),
    Column("operator", String),
    Column("schedule", String),
    Column("planned", Integer),
    Column("drafted_at", Utc, nullable=False, index=True),
)
PARTIES = parties_table("delivery_parties")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one recipient. ``text``: its own, or its broadcast's. ``ended_at``: when its outcome (also ``unknown``) was known."""

    id: DeliveryId
    phase: Phase
    reason: Slug | None
    rule: Slug | None
    kind: DeliveryClass
    occasion: Slug
    contact: ContactId | None
    customer: CustomerId | None
    group: GroupId | None
    channel: Channel | None
    text: str
    broadcast: BroadcastId | None
    operator: OperatorId | None
    automatic: bool
    attempts: int
    provider_message: str | None
    planned_at: datetime
    not_before: datetime
    expires_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Count:
    """So many deliveries of a class stand like this."""

    kind: DeliveryClass
    phase: Phase
    reason: Slug | None
    deliveries: int


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A broadcast and what became of it. ``planned``: how many deliveries, once it is fanned out."""

    id: BroadcastId
    stage: Stage
    audience: AudienceKind
    tag: Tag | None
    group: GroupId | None
    text: str
    not_before: datetime
    recurrence: Slug | None
    operator: OperatorId | None
    schedule: ScheduleId | None
    planned: int | None
    drafted_at: datetime
    counts: tuple[Count, ...]


# --- apply ---------------------------------------------------------------------------------------------------------

DeliveryMoved = (
    DeliveryStarted
    | DeliveryPostponed
    | DeliveryAccepted
    | DeliveryConfirmed
    | DeliveryRejected
    | DeliveryUnknown
    | DeliverySuppressed
    | DeliveryExpired
)
BroadcastMoved = BroadcastConfirmed | BroadcastFannedOut | BroadcastCancelled


def _planned(recorded: Recorded, event: DeliveryPlanned) -> Row:
    return {
        "delivery": event.delivery,
        "phase": Phase.PLANNED.value,
        "kind": event.kind.value,
        "occasion": event.occasion,
        "contact": event.contact,
        "customer": event.customer,
        "group_id": event.group,
        "text": None if event.text is None else event.text.value,
        "broadcast": event.broadcast,
        "operator": event.operator,
        "automatic": event.automatic,
        "planned_at": recorded.occurred_at,
        "not_before": event.not_before,
        "expires_at": event.expires_at,
    }


def _moved(row: Row, recorded: Recorded, event: DeliveryMoved) -> None:
    row["reason"] = row["rule"] = None
    row["ended_at"] = recorded.occurred_at
    match event:
        case DeliveryStarted(attempt=attempt):
            row["phase"], row["attempts"] = Phase.STARTED.value, attempt
            row["started_at"], row["ended_at"] = recorded.occurred_at, None
        case DeliveryPostponed(not_before=not_before, reason=reason, rule=rule):
            row["phase"], row["reason"], row["rule"] = Phase.PLANNED.value, reason, rule
            row["not_before"], row["ended_at"] = not_before, None
        case DeliveryAccepted(provider_message=message):
            row["phase"], row["provider_message"] = Phase.ACCEPTED.value, message
        case DeliveryConfirmed(how=how):
            row["phase"], row["reason"] = Phase.CONFIRMED.value, how.value
        case DeliveryRejected(reason=reason):
            row["phase"], row["reason"] = Phase.REJECTED.value, reason
        case DeliveryUnknown(reason=reason):
            row["phase"], row["reason"] = Phase.UNKNOWN.value, reason
        case DeliverySuppressed(reason=reason, rule=rule):
            row["phase"], row["reason"], row["rule"] = Phase.SUPPRESSED.value, reason, rule
        case DeliveryExpired():
            row["phase"] = Phase.EXPIRED.value


def _drafted(recorded: Recorded, event: BroadcastDrafted) -> Row:
    return {
        "broadcast": event.broadcast,
        "stage": Stage.DRAFT.value,
        "audience": event.audience.value,
        "tag": event.tag,
        "group_id": event.group,
        "text": event.text.value,
        "not_before": event.not_before,
        "recurrence": event.recurrence,
        "operator": event.operator,
        "schedule": event.schedule,
        "drafted_at": recorded.occurred_at,
    }


def _staged(row: Row, event: BroadcastMoved) -> None:
    match event:
        case BroadcastConfirmed(not_before=not_before):
            row["stage"], row["not_before"] = Stage.CONFIRMED.value, not_before
        case BroadcastFannedOut(planned=planned):
            row["stage"], row["planned"] = Stage.FANNED_OUT.value, planned
        case BroadcastCancelled():
            row["stage"] = Stage.CANCELLED.value


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [recorded.event for recorded in batch]
    known = (event.delivery for event in events if isinstance(event, DeliveryPlanned | DeliveryMoved))
    rows = Rows(connection, DELIVERIES, known)
    broadcasts = Rows(
        connection,
        BROADCASTS,
        (e.broadcast for e in events if isinstance(e, BroadcastDrafted | BroadcastMoved)),
    )
    parties = Parties(connection, PARTIES, batch)
    for recorded in batch:
        match recorded.event:
            case DeliveryPlanned() as planned:
                rows.put(_planned(recorded, planned))
            case BroadcastDrafted() as drafted:
                broadcasts.put(_drafted(recorded, drafted))
            case event if isinstance(event, DeliveryMoved):
                _moved(rows[event.delivery], recorded, event)
            case event if isinstance(event, BroadcastMoved):
                _staged(broadcasts[event.broadcast], event)
            case event:
                parties.note(event)
    rows.save()
    broadcasts.save()
    parties.save()


deliveries = Projection(
    name="deliveries",
    version=1,
    tables=(DELIVERIES, BROADCASTS, PARTIES),
    listens_to=frozenset(
        {
            *PARTY_EVENTS,
            DeliveryPlanned,
            DeliveryStarted,
            DeliveryPostponed,
            DeliveryAccepted,
            DeliveryConfirmed,
            DeliveryRejected,
            DeliveryUnknown,
            DeliverySuppressed,
            DeliveryExpired,
            BroadcastDrafted,
            BroadcastConfirmed,
            BroadcastFannedOut,
            BroadcastCancelled,
        }
    ),
    apply=_apply,
)


# --- queries -------------------------------------------------------------------------------------------------------


def delivery(connection: Connection, wanted: str) -> list[Delivery]:
    """Return the deliveries with this id, or whose id begins with it (at least 6 characters); at most 20."""
    if len(wanted) < SHORTEST_PREFIX:
        return []
    statement = (
        _question()
        .where(DELIVERIES.c.delivery.startswith(wanted, autoescape=True))
        .order_by(DELIVERIES.c.delivery)
    )
    return _answer(connection, statement.limit(20))


def recent(
    connection: Connection,
    *,
    phases: Sequence[Phase] = (),
    broadcast: BroadcastId | None = None,
    contact: ContactId | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Return the deliveries planned last, newest first; in these phases, of this broadcast, to this contact."""
    statement = _question().order_by(DELIVERIES.c.planned_at.desc(), DELIVERIES.c.delivery).limit(limit)
    if phases:
        statement = statement.where(DELIVERIES.c.phase.in_([phase.value for phase in phases]))
    if broadcast is not None:
        statement = statement.where(DELIVERIES.c.broadcast == broadcast)
    if contact is not None:
        statement = statement.where(DELIVERIES.c.contact == contact)
    return _answer(connection, statement)


def counts(
    connection: Connection, *, since: datetime | None = None, broadcast: BroadcastId | None = None
) -> list[Count]:
    """Return how many deliveries stand where, and why, by class; all, or those planned since, or of one broadcast."""
    columns = (DELIVERIES.c.kind, DELIVERIES.c.phase, DELIVERIES.c.reason)
    statement = select(*columns, func.count().label("deliveries")).group_by(*columns)
    if since is not None:
        statement = statement.where(DELIVERIES.c.planned_at >= since)
    if broadcast is not None:
        statement = statement.where(DELIVERIES.c.broadcast == broadcast)
    found = [
        Count(DeliveryClass(row.kind), Phase(row.phase), row.reason, row.deliveries)
        for row in connection.execute(statement)
    ]
    return sorted(found, key=lambda count: (count.kind, count.phase, count.reason or ""))


def summary(connection: Connection, wanted: BroadcastId) -> Broadcast | None:
    """Return a broadcast and what became of its deliveries; None where there is none."""
    statement = select(BROADCASTS).where(BROADCASTS.c.broadcast == wanted)
    return next(iter(_broadcasts(connection, statement)), None)


def broadcasts_listed(connection: Connection, limit: int = 20) -> list[Broadcast]:
    """Return the broadcasts drafted last, newest first."""
    return _broadcasts(
        connection,
        select(BROADCASTS).order_by(BROADCASTS.c.drafted_at.desc(), BROADCASTS.c.broadcast).limit(limit),
    )


def _broadcasts(connection: Connection, statement: Select[Any]) -> list[Broadcast]:
    return [
        Broadcast(
            id=row.broadcast,
            stage=Stage(row.stage),
            audience=AudienceKind(row.audience),
            tag=row.tag,
            group=row.group_id,
            text=row.text,
            not_before=row.not_before,
            recurrence=row.recurrence,
            operator=row.operator,
            schedule=row.schedule,
            planned=row.planned,
            drafted_at=row.drafted_at,
            counts=tuple(counts(connection, broadcast=row.broadcast)),
        )
        for row in connection.execute(statement).all()
    ]


def _question() -> Select[Any]:
    reached = PARTIES.c.party == func.coalesce(DELIVERIES.c.group_id, DELIVERIES.c.contact)
    said = func.coalesce(DELIVERIES.c.text, BROADCASTS.c.text, "").label("said")
    return (
        select(DELIVERIES, PARTIES.c.channel, said)
        .outerjoin(BROADCASTS, BROADCASTS.c.broadcast == DELIVERIES.c.broadcast)
        .outerjoin(PARTIES, reached)
    )


def _answer(connection: Connection, statement: Select[Any]) -> list[Delivery]:
    return [
        Delivery(
            id=row["delivery"],
            phase=Phase(row["phase"]),
            kind=DeliveryClass(row["kind"]),
            group=row["group_id"],
            text=row["said"],
            **{name: row[name] for name in _SAME_NAMES},
        )
        for row in connection.execute(statement).mappings()
    ]


_SAME_NAMES = tuple(
    name for name in Delivery.__dataclass_fields__ if name not in {"id", "phase", "kind", "group", "text"}
)
