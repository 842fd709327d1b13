"""What the scheduler asks: which deliveries, broadcasts and schedules to look at, and when next."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from domain.deliveries.delivery import MAX_ATTEMPTS, RESEND_AFTER_LEASE, Phase
from domain.deliveries.events import (
    DeliveryClass,
)
from domain.identity import (
    Account,
    BroadcastId,
    CampaignId,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    GroupId,
    RunId,
    ScheduleId,
    Slug,
    ZoneName,
)
from domain.message import Rival
from projections.due.campaigns import MARKETING_PAUSED, SENDING_HELD
from projections.due.tables import (
    BROADCASTS,
    CAMPAIGNS,
    DUE,
    HOLDS,
    MARKETING,
    PAUSED,
    PLACES,
    PLANNED,
    RUNS,
    SCHEDULES,
    STARTED,
    UNKNOWN,
    kind_at,
)

FAIR_SHARE = 4
"""Of so many marketing messages one is the longest due, whatever its priority: so none waits for ever for those above it."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
RIVALS = 5
"""More of higher priority for one customer make no difference."""


Among = Collection[tuple[Channel, Account]]
"""Accounts of ours."""
_RESENDABLE = and_(UNKNOWN, DUE.c.priority < MARKETING, DUE.c.attempt < MAX_ATTEMPTS)


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


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A campaign that was launched. ``last_at``: when its newest run was to go out. ``runs``: those not planned to their end.

    ``open``: something of it is planned or started.
    """

    campaign: CampaignId
    last_at: datetime | None
    runs: tuple[RunId, ...]
    open: bool


def due_deliveries(connection: Connection, now: datetime, limit: int, among: Among) -> list[DueDelivery]:
    """Return planned deliveries whose time has come and not passed, of these accounts, ``limit`` at most of each.

    Replies first, then service, then marketing, if it is not paused; within a class the longest due first. Of marketing those of higher
    priority come first, but every fourth is the one that is longest due.
    """
    stopped = held(connection)
    if SENDING_HELD in stopped:
        return []
    last = -1 if MARKETING_PAUSED not in stopped else MARKETING - 1
    found: list[Row[Any]] = []
    for channel, account in among:
        asked = {"channel": channel, "account": account, "now": now, "limit": limit}
        rows = [row for row in connection.execute(_READY, asked) if last < 0 or row.priority <= last]
        rows.sort(key=lambda row: (row.priority, row.not_before, row.position))
        urgent = [row for row in rows if row.priority < MARKETING]
        found += [*urgent, *_fairly(rows[len(urgent) :])][:limit]
    if len(among) > 1:
        found.sort(
            key=lambda row: min(row.priority, MARKETING)
        )  # within a class by account, each in its order
    return [_as_due(row) for row in found]


_READY = union_all(
    *(
        select(
            select(DUE)
            .where(
                PLANNED,
                DUE.c.priority == literal(where, literal_execute=True),
                DUE.c.channel == bindparam("channel"),
                DUE.c.account == bindparam("account"),
                DUE.c.not_before <= bindparam("now", type_=DUE.c.not_before.type),
                DUE.c.expires_at > bindparam("now", type_=DUE.c.not_before.type),
            )
            .order_by(DUE.c.not_before, DUE.c.position)
            .limit(bindparam("limit"))
            .subquery()
        )
        for places in PLACES.values()
        for where in places
    )
)


def _fairly(rows: Sequence[Row[Any]]) -> Iterator[Row[Any]]:
    """Return rows, which come by priority, with every fourth place for the longest due."""
    by_priority, by_age = iter(rows), iter(sorted(rows, key=lambda row: (row.not_before, row.position)))
    taken: set[str] = set()
    for number in range(1, len(rows) + 1):
        line = by_age if number % FAIR_SHARE == 0 else by_priority
        row = next(row for row in line if row.delivery not in taken)
        taken.add(row.delivery)
        yield row


def rivals(connection: Connection, delivery: DeliveryId, now: datetime) -> list[Rival]:
    """Return the marketing of higher priority that is planned for the same customer, the soonest first."""
    rows = connection.execute(_RIVALS, {"delivery": delivery, "now": now})
    return [Rival(row.not_before, row.channel, row.topic) for row in rows]


_MINE = DUE.alias()
_RIVALS = (
    select(DUE.c.not_before, DUE.c.topic, DUE.c.channel)
    .join(_MINE, _MINE.c.customer == DUE.c.customer)
    .where(
        _MINE.c.delivery == bindparam("delivery"),
        PLANNED,
        DUE.c.priority >= MARKETING,
        DUE.c.priority < _MINE.c.priority,
        DUE.c.expires_at > bindparam("now", type_=DUE.c.expires_at.type),
    )
    .order_by(DUE.c.not_before, DUE.c.position)
    .limit(RIVALS)
)


def expired_leases(connection: Connection, now: datetime, limit: int = 500) -> list[DueDelivery]:
    """Return started deliveries whose lease ended without an outcome, the longest ago first."""
    return _answer(
        connection, select(DUE).where(STARTED, DUE.c.until <= now).order_by(DUE.c.until).limit(limit)
    )


def resendable(connection: Connection, now: datetime, limit: int, among: Among) -> list[DueDelivery]:
    """Return replies and service messages of unknown outcome that may be tried again now, of these accounts, replies first.

    They have not expired, have tries left, no rule lets them wait, and their lease ended long enough ago.
    """
    if SENDING_HELD in held(connection):
        return []
    asked = {"now": now, "ended": now - RESEND_AFTER_LEASE, "limit": limit, "among": _named(among)}
    return [_as_due(row) for row in connection.execute(_AGAIN, asked)]


def overdue(connection: Connection, now: datetime, limit: int, among: Among) -> list[DueDelivery]:
    """Return planned deliveries whose time has passed, of these accounts, the longest ago first."""
    asked = {"now": now, "limit": limit, "among": _named(among)}
    return [_as_due(row) for row in connection.execute(_OVERDUE, asked)]


def _named(among: Among) -> list[str]:
    return [f"{channel}:{account}" for channel, account in among]


_NOW = bindparam("now", type_=DUE.c.not_before.type)
_AMONG = (DUE.c.channel + ":" + DUE.c.account).in_(bindparam("among", expanding=True))
_AGAIN = (
    select(DUE)
    .where(
        _RESENDABLE,
        DUE.c.until <= bindparam("ended", type_=DUE.c.until.type),
        DUE.c.not_before <= _NOW,
        DUE.c.expires_at > _NOW,
        _AMONG,
    )
    .order_by(DUE.c.priority, DUE.c.until)
    .limit(bindparam("limit"))
)
_OVERDUE = (
    select(DUE)
    .where(PLANNED, DUE.c.expires_at <= _NOW, _AMONG)
    .order_by(DUE.c.expires_at)
    .limit(bindparam("limit"))
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
        select(DUE).where(UNKNOWN).order_by(DUE.c.until.desc(), DUE.c.position.desc()).limit(limit),
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


def campaigns_under_way(connection: Connection) -> list[UnderWay]:
    """Return the campaigns that were launched and are neither paused nor over, by id; their runs in the order in which they began."""
    rows = connection.execute(
        select(
            CAMPAIGNS,
            exists().where(DUE.c.campaign == CAMPAIGNS.c.campaign, or_(PLANNED, STARTED)).label("open"),
        )
        .where(CAMPAIGNS.c.campaign.not_in(select(PAUSED.c.campaign)))
        .order_by(CAMPAIGNS.c.campaign)
    ).all()
    begun: dict[CampaignId, list[RunId]] = {}
    for row in connection.execute(select(RUNS).order_by(RUNS.c.position)):
        begun.setdefault(row.campaign, []).append(row.run)
    return [
        UnderWay(row.campaign, row.last_at, tuple(begun.get(row.campaign, ())), open=row.open) for row in rows
    ]


def held(connection: Connection) -> frozenset[str]:
    """Return what holds messages back altogether: ``marketing``, ``sending``."""
    return frozenset(connection.execute(select(HOLDS.c.hold)).scalars())


def active_schedules(connection: Connection) -> list[ActiveSchedule]:
    """Return the recurring messages that have not ended, by id."""
    rows = connection.execute(select(SCHEDULES).order_by(SCHEDULES.c.schedule))
    return [
        ActiveSchedule(row.schedule, row.recurrence, row.zone, row.starts_at, row.last_day) for row in rows
    ]


def next_moment(connection: Connection, after: datetime = LONG_AGO) -> datetime | None:
    """Return when something is due next (of what is due after a moment); None where nothing waits for a time. Schedules are not in it."""
    stopped = held(connection)
    silent: Collection[str] = ()
    if SENDING_HELD in stopped:
        silent = PLACES
    elif MARKETING_PAUSED in stopped:
        silent = (DeliveryClass.MARKETING,)
    asked = {"after": after, "lease_end": after - RESEND_AFTER_LEASE}
    rows = connection.execute(_NEXT, asked).all()
    moments = [row.moment for row in rows if row.moment is not None and row.what not in silent]
    lease_end: datetime | None = connection.execute(_LEASE_END, asked).scalar()
    if lease_end is not None:
        moments.append(lease_end + RESEND_AFTER_LEASE)
    return min(moments, default=None)


def _earliest(what: str, column: Column[Any], clause: ColumnElement[bool]) -> Select[str, Any]:
    later = column > bindparam("after", type_=column.type)
    named: ColumnElement[str] = literal_column(f"'{what}'")
    return select(named.label("what"), func.min(column).label("moment")).where(clause, later)


_NEXT = union_all(
    *(
        _earliest(
            kind, DUE.c.not_before, and_(PLANNED, DUE.c.priority == literal(where, literal_execute=True))
        )
        for kind, places in PLACES.items()
        for where in places
    ),
    _earliest("expiry", DUE.c.expires_at, PLANNED),
    _earliest("lease", DUE.c.until, STARTED),
    # a rule lets it wait longer than its lease
    _earliest("resend", DUE.c.not_before, and_(_RESENDABLE, DUE.c.not_before > DUE.c.until)),
    _earliest("broadcast", BROADCASTS.c.not_before, true()),
)
_LEASE_END = select(func.min(DUE.c.until)).where(
    _RESENDABLE, DUE.c.until > bindparam("lease_end", type_=DUE.c.until.type)
)


def _answer(connection: Connection, statement: Select[Any]) -> list[DueDelivery]:
    return [_as_due(row) for row in connection.execute(statement)]


def _as_due(row: Row[Any]) -> DueDelivery:
    return DueDelivery(
        delivery=row.delivery,
        kind=kind_at(row.priority),
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
