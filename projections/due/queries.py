"""What the scheduler asks: which deliveries, broadcasts and schedules to look at, and when next."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    select,
)

from domain.deliveries.delivery import MAX_ATTEMPTS, RESEND_AFTER_LEASE, Phase
from domain.deliveries.events import (
    DeliveryClass,
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
from projections.due.tables import (
    BROADCASTS,
    DUE,
    MARKETING,
    PARTIES,
    PLANNED,
    PRIORITIES,
    SCHEDULES,
    STARTED,
    UNKNOWN,
)


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
                .where(PLANNED, DUE.c.priority == priority, DUE.c.not_before <= now, DUE.c.expires_at > now)
                .order_by(DUE.c.not_before, DUE.c.position)
                .limit(limit - len(found))
            )
            found.extend(_answer(connection, statement))
    return found


def expired_leases(connection: Connection, now: datetime, limit: int = 500) -> list[DueDelivery]:
    """Return started deliveries whose lease ended without an outcome, the longest ago first."""
    return _answer(
        connection, _question().where(STARTED, DUE.c.until <= now).order_by(DUE.c.until).limit(limit)
    )


def resendable(connection: Connection, now: datetime, limit: int = 500) -> list[DueDelivery]:
    """Return replies and service messages of unknown outcome that may be tried again now, replies first.

    They have not expired, have tries left, no rule lets them wait, and their lease ended long enough ago.
    """
    statement = (
        _question()
        .where(
            _resendable(),
            DUE.c.until <= now - RESEND_AFTER_LEASE,
            DUE.c.not_before <= now,
            DUE.c.expires_at > now,
        )
        .order_by(DUE.c.priority, DUE.c.until)
        .limit(limit)
    )
    return _answer(connection, statement)


def overdue(connection: Connection, now: datetime, limit: int = 500) -> list[DueDelivery]:
    """Return planned deliveries whose time has passed, the longest ago first."""
    return _answer(
        connection,
        _question().where(PLANNED, DUE.c.expires_at <= now).order_by(DUE.c.expires_at).limit(limit),
    )


def open_to(connection: Connection, contacts: Collection[ContactId], limit: int = 500) -> list[DeliveryId]:
    """Return the deliveries to these contacts that are planned, the oldest first."""
    statement = (
        select(DUE.c.delivery)
        .where(PLANNED, DUE.c.contact.in_(contacts))
        .order_by(DUE.c.position)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def unknown(connection: Connection, limit: int = 100) -> list[DueDelivery]:
    """Return deliveries of which nobody knows whether they were sent, the newest first: for operators to resolve."""
    return _answer(
        connection,
        _question().where(UNKNOWN).order_by(DUE.c.until.desc(), DUE.c.position.desc()).limit(limit),
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
    classes = list(PRIORITIES.values()) if marketing else [p for p in PRIORITIES.values() if p != MARKETING]
    planned = [(DUE.c.not_before, and_(PLANNED, DUE.c.priority == priority)) for priority in classes]
    columns: list[tuple[ColumnElement[Any], ColumnElement[bool]]] = [
        *planned,
        (DUE.c.expires_at, PLANNED),
        (DUE.c.until, STARTED),
        (DUE.c.not_before, and_(_resendable(), DUE.c.not_before > DUE.c.until)),  # a rule lets it wait longer
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
    return and_(UNKNOWN, DUE.c.priority != MARKETING, DUE.c.attempt < MAX_ATTEMPTS)


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
