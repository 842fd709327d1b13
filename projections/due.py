"""What is due: hints for the scheduler, computed from the log. A claim decides; this only says where to look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    Index,
    Integer,
    Select,
    SmallInteger,
    String,
    Table,
    and_,
    func,
    select,
)

from domain.broadcasts.events import BroadcastCancelled, BroadcastConfirmed, BroadcastFannedOut
from domain.deliveries.delivery import MAX_ATTEMPTS, RESEND_AFTER_LEASE, Phase
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
    Account,
    BroadcastId,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    GroupId,
    ScheduleId,
    Slug,
    ZoneName,
)
from domain.message import Recorded
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired
from projections.projection import PARTY_EVENTS, Parties, Projection, Rows
from projections.schema import METADATA, Utc, parties_table

PRIORITIES = {DeliveryClass.REPLY: 0, DeliveryClass.SERVICE: 1, DeliveryClass.MARKETING: 2}
"""Replies overtake marketing."""
_MARKETING = PRIORITIES[DeliveryClass.MARKETING]

DUE = Table(
    "due_deliveries",
    METADATA,
    Column("delivery", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("phase", String, nullable=False),
    Column("contact", String),
    Column("customer", String),
    Column("group_id", String),
    Column("broadcast", String),
    Column("occasion", String, nullable=False),
    Column("not_before", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("until", Utc),
)
"""Deliveries without a final outcome: planned, started, unknown. ``until``: the end of the last lease."""
_PLANNED = DUE.c.phase == "planned"
_STARTED = DUE.c.phase == "started"
_UNKNOWN = DUE.c.phase == "unknown"
for _name, _where, _columns in (
    ("due_planned", _PLANNED, (DUE.c.priority, DUE.c.not_before, DUE.c.position)),
    ("due_expiring", _PLANNED, (DUE.c.expires_at,)),
    ("due_started", _STARTED, (DUE.c.until,)),
    ("due_unknown", _UNKNOWN, (DUE.c.until,)),
):
    Index(_name, *_columns, sqlite_where=_where, postgresql_where=_where)

BROADCASTS = Table(
    "due_broadcasts",
    METADATA,
    Column("broadcast", String, primary_key=True),
    Column("not_before", Utc, nullable=False, index=True),
)
"""Confirmed, and not fanned out yet."""
SCHEDULES = Table(
    "due_schedules",
    METADATA,
    Column("schedule", String, primary_key=True),
    Column("recurrence", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("starts_at", Utc, nullable=False),
    Column("last_day", Date),
)
PARTIES = parties_table("due_parties")


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery to look at. ``channel`` and ``account``: where its recipient is. ``until``: the end of the last lease."""

    delivery: DeliveryId
    kind: DeliveryClass
    phase: Phase
    contact: ContactId | None
    customer: CustomerId | None
    group: GroupId | None
    channel: Channel
    account: Account
    broadcast: BroadcastId | None
    occasion: Slug
    not_before: datetime
    expires_at: datetime
    attempt: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ActiveSchedule:
    """A recurring message. ``last_day``: the last local date for which it fired."""

    schedule: ScheduleId
    recurrence: Slug
    zone: ZoneName
    starts_at: datetime
    last_day: date | None


# --- apply ---------------------------------------------------------------------------------------------------------

_Final = DeliveryAccepted | DeliveryConfirmed | DeliveryRejected | DeliverySuppressed | DeliveryExpired
_DeliveryEvent = DeliveryPlanned | DeliveryStarted | DeliveryPostponed | DeliveryUnknown | _Final
_BroadcastEvent = BroadcastConfirmed | BroadcastFannedOut | BroadcastCancelled
_ScheduleEvent = ScheduleCreated | ScheduleEnded | ScheduleFired


def _delivery(rows: Rows, recorded: Recorded, event: _DeliveryEvent) -> None:
    match event:
        case DeliveryPlanned():
            rows.put(
                {
                    "delivery": event.delivery,
                    "position": recorded.position,
                    "priority": PRIORITIES[event.kind],
                    "phase": Phase.PLANNED.value,
                    "contact": event.contact,
                    "customer": event.customer,
                    "group_id": event.group,
                    "broadcast": event.broadcast,
                    "occasion": event.occasion,
                    "not_before": event.not_before,
                    "expires_at": event.expires_at,
                }
            )
        case DeliveryStarted(delivery=delivery, attempt=attempt, until=until):
            row = rows[delivery]
            row["phase"], row["attempt"], row["until"] = Phase.STARTED.value, attempt, until
        case DeliveryPostponed(delivery=delivery, not_before=not_before):
            row = rows[delivery]
            row["phase"], row["not_before"] = Phase.PLANNED.value, not_before
        case DeliveryUnknown(delivery=delivery):
            rows[delivery]["phase"] = Phase.UNKNOWN.value
        case _:
            rows.discard(event.delivery)


def _broadcast(rows: Rows, event: _BroadcastEvent) -> None:
    if isinstance(event, BroadcastConfirmed):
        rows.put({"broadcast": event.broadcast, "not_before": event.not_before})
    else:
        rows.discard(event.broadcast)


def _schedule(rows: Rows, event: _ScheduleEvent) -> None:
    match event:
        case ScheduleCreated(schedule=schedule, recurrence=recurrence, zone=zone, starts_at=starts_at):
            rows.put({"schedule": schedule, "recurrence": recurrence, "zone": zone, "starts_at": starts_at})
        case ScheduleEnded(schedule=schedule):
            rows.discard(schedule)
        case ScheduleFired(schedule=schedule, day=day):
            row = rows.get(schedule)
            if row is not None:  # ended meanwhile
                row["last_day"] = max(row["last_day"] or day, day)


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [recorded.event for recorded in batch]
    deliveries = Rows(
        connection, DUE, (event.delivery for event in events if isinstance(event, _DeliveryEvent))
    )
    broadcasts = Rows(connection, BROADCASTS, (e.broadcast for e in events if isinstance(e, _BroadcastEvent)))
    schedules = Rows(
        connection, SCHEDULES, (event.schedule for event in events if isinstance(event, _ScheduleEvent))
    )
    parties = Parties(connection, PARTIES, batch)
    for recorded in batch:
        event = recorded.event
        if isinstance(event, _DeliveryEvent):
            _delivery(deliveries, recorded, event)
        elif isinstance(event, _BroadcastEvent):
            _broadcast(broadcasts, event)
        elif isinstance(event, _ScheduleEvent):
            _schedule(schedules, event)
        else:
            parties.note(event)
    for rows in (deliveries, broadcasts, schedules, parties):
        rows.save()


due = Projection(
    name="due",
    version=1,
    tables=(DUE, BROADCASTS, SCHEDULES, PARTIES),
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
            BroadcastConfirmed,
            BroadcastFannedOut,
            BroadcastCancelled,
            ScheduleCreated,
            ScheduleEnded,
            ScheduleFired,
        }
    ),
    apply=_apply,
)


# --- queries -------------------------------------------------------------------------------------------------------


def due_deliveries(
    connection: Connection, now: datetime, limit: int, *, marketing: bool = True
) -> list[DueDelivery]:
    """Return planned deliveries whose time has come and not passed.

    Replies first, then service, then marketing (if asked for); within a class the longest due first.
    """
    found: list[DueDelivery] = []
    for kind, priority in PRIORITIES.items():
        if len(found) < limit and (marketing or kind is not DeliveryClass.MARKETING):
            statement = (
                _question()
                .where(_PLANNED, DUE.c.priority == priority, DUE.c.not_before <= now, DUE.c.expires_at > now)
                .order_by(DUE.c.not_before, DUE.c.position)
                .limit(limit - len(found))
            )
            found.extend(_answer(connection, statement))
    return found


def expired_leases(connection: Connection, now: datetime, limit: int = 500) -> list[DueDelivery]:
    """Return started deliveries whose lease ended without an outcome, the longest ago first."""
    return _answer(
        connection, _question().where(_STARTED, DUE.c.until <= now).order_by(DUE.c.until).limit(limit)
    )


def resendable(connection: Connection, now: datetime, limit: int = 500) -> list[DueDelivery]:
    """Return replies and service messages of unknown outcome that may be tried again now, replies first.

    They have not expired, have tries left, and their lease ended long enough ago.
    """
    statement = (
        _question()
        .where(_resendable(), DUE.c.until <= now - RESEND_AFTER_LEASE, DUE.c.expires_at > now)
        .order_by(DUE.c.priority, DUE.c.until)
        .limit(limit)
    )
    return _answer(connection, statement)


def overdue(connection: Connection, now: datetime, limit: int = 500) -> list[DueDelivery]:
    """Return planned deliveries whose time has passed, the longest ago first."""
    return _answer(
        connection,
        _question().where(_PLANNED, DUE.c.expires_at <= now).order_by(DUE.c.expires_at).limit(limit),
    )


def unknown(connection: Connection, limit: int = 100) -> list[DueDelivery]:
    """Return deliveries of which nobody knows whether they were sent, the newest first: for operators to resolve."""
    return _answer(
        connection,
        _question().where(_UNKNOWN).order_by(DUE.c.until.desc(), DUE.c.position.desc()).limit(limit),
    )


def due_broadcasts(connection: Connection, now: datetime, limit: int = 100) -> list[BroadcastId]:
    """Return confirmed broadcasts whose time has come and that are not fanned out, the longest due first."""
    statement = (
        select(BROADCASTS.c.broadcast)
        .where(BROADCASTS.c.not_before <= now)
        .order_by(BROADCASTS.c.not_before, BROADCASTS.c.broadcast)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def active_schedules(connection: Connection) -> list[ActiveSchedule]:
    """Return the recurring messages that have not ended, by id."""
    rows = connection.execute(select(SCHEDULES).order_by(SCHEDULES.c.schedule))
    return [
        ActiveSchedule(row.schedule, row.recurrence, row.zone, row.starts_at, row.last_day) for row in rows
    ]


def next_moment(
    connection: Connection, after: datetime | None = None, *, marketing: bool = True
) -> datetime | None:
    """Return when something is due next (of what is due after a moment); None where nothing waits for a time. Schedules are not in it."""
    classes = list(PRIORITIES.values()) if marketing else [p for p in PRIORITIES.values() if p != _MARKETING]
    planned = [(DUE.c.not_before, and_(_PLANNED, DUE.c.priority == priority)) for priority in classes]
    columns: list[tuple[ColumnElement[Any], ColumnElement[bool]]] = [
        *planned,
        (DUE.c.expires_at, _PLANNED),
        (DUE.c.until, _STARTED),
        (BROADCASTS.c.not_before, BROADCASTS.c.broadcast.is_not(None)),
    ]
    moments = [_earliest(connection, column, clause, after) for column, clause in columns]
    lease_end = _earliest(
        connection, DUE.c.until, _resendable(), None if after is None else after - RESEND_AFTER_LEASE
    )
    if lease_end is not None:
        moments.append(lease_end + RESEND_AFTER_LEASE)
    return min((moment for moment in moments if moment is not None), default=None)


def _earliest(
    connection: Connection, column: ColumnElement[Any], clause: ColumnElement[bool], after: datetime | None
) -> datetime | None:
    statement = select(func.min(column)).where(clause)
    if after is not None:
        statement = statement.where(column > after)
    moment: datetime | None = connection.execute(statement).scalar()
    return moment


def _resendable() -> ColumnElement[bool]:
    return and_(_UNKNOWN, DUE.c.priority != _MARKETING, DUE.c.attempt < MAX_ATTEMPTS)


def _question() -> Select[Any]:
    reached = PARTIES.c.party == func.coalesce(DUE.c.group_id, DUE.c.contact)
    return select(DUE, PARTIES.c.channel, PARTIES.c.account).join(PARTIES, reached)


_KINDS = {priority: kind for kind, priority in PRIORITIES.items()}


def _answer(connection: Connection, statement: Select[Any]) -> list[DueDelivery]:
    return [
        DueDelivery(
            delivery=row.delivery,
            kind=_KINDS[row.priority],
            phase=Phase(row.phase),
            contact=row.contact,
            customer=row.customer,
            group=row.group_id,
            channel=row.channel,
            account=row.account,
            broadcast=row.broadcast,
            occasion=row.occasion,
            not_before=row.not_before,
            expires_at=row.expires_at,
            attempt=row.attempt,
            until=row.until,
        )
        for row in connection.execute(statement)
    ]
