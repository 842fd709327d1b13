"""What the scheduler asks: which deliveries, broadcasts and schedules to look at, and when next."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
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
    PARTIES,
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
RIVALS = 5
"""More of higher priority for one customer make no difference."""


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


def due_deliveries(
    connection: Connection, now: datetime, limit: int, *, marketing: bool = True
) -> list[DueDelivery]:
    """Return planned deliveries whose time has come and not passed.

    Replies first, then service, then marketing (if asked for); within a class the longest due first. Of marketing those of higher
    priority come first, but every fourth is the one that is longest due.
    """
    found: list[DueDelivery] = []
    stopped = held(connection)
    if SENDING_HELD in stopped:
        return found
    marketing = marketing and MARKETING_PAUSED not in stopped
    for kind, places in PLACES.items():
        if len(found) < limit and (marketing or kind is not DeliveryClass.MARKETING):
            at_each = [_ready(where, now, limit - len(found)) for where in places]
            statement = union_all(*(select(one.subquery()) for one in at_each))
            rows = sorted(
                connection.execute(statement), key=lambda row: (row.priority, row.not_before, row.position)
            )
            found.extend(_as_due(row) for row in list(_fairly(rows))[: limit - len(found)])
    return found


def _ready(where: int, now: datetime, limit: int) -> Select[Any]:
    return (
        _question()
        .where(PLANNED, DUE.c.priority == where, DUE.c.not_before <= now, DUE.c.expires_at > now)
        .order_by(DUE.c.not_before, DUE.c.position)
        .limit(limit)
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
    mine = DUE.alias()
    reached = PARTIES.c.party == DUE.c.contact
    statement = (
        select(DUE.c.not_before, DUE.c.topic, PARTIES.c.channel)
        .join(PARTIES, reached)
        .join(mine, mine.c.customer == DUE.c.customer)
        .where(
            mine.c.delivery == delivery,
            PLANNED,
            DUE.c.priority >= MARKETING,
            DUE.c.priority < mine.c.priority,
            DUE.c.expires_at > now,
        )
        .order_by(DUE.c.not_before, DUE.c.position)
        .limit(RIVALS)
    )
    return [Rival(row.not_before, row.channel, row.topic) for row in connection.execute(statement)]


def expired_leases(connection: Connection, now: datetime, limit: int = 500) -> list[DueDelivery]:
    """Return started deliveries whose lease ended without an outcome, the longest ago first."""
    return _answer(
        connection, _question().where(STARTED, DUE.c.until <= now).order_by(DUE.c.until).limit(limit)
    )


def resendable(connection: Connection, now: datetime, limit: int = 500) -> list[DueDelivery]:
    """Return replies and service messages of unknown outcome that may be tried again now, replies first.

    They have not expired, have tries left, no rule lets them wait, and their lease ended long enough ago.
    """
    if SENDING_HELD in held(connection):
        return []
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


def next_moment(
    connection: Connection, after: datetime | None = None, *, marketing: bool = True
) -> datetime | None:
    """Return when something is due next (of what is due after a moment); None where nothing waits for a time. Schedules are not in it."""
    stopped = held(connection)
    marketing = marketing and MARKETING_PAUSED not in stopped
    places = [
        where
        for kind, those in PLACES.items()
        if SENDING_HELD not in stopped and (marketing or kind is not DeliveryClass.MARKETING)
        for where in those
    ]
    planned = [(DUE.c.not_before, and_(PLANNED, DUE.c.priority == where)) for where in places]
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
    return and_(UNKNOWN, DUE.c.priority < MARKETING, DUE.c.attempt < MAX_ATTEMPTS)


def _question() -> Select[Any]:
    reached = PARTIES.c.party == func.coalesce(DUE.c.group_id, DUE.c.contact)
    return select(DUE, PARTIES.c.channel, PARTIES.c.account).join(PARTIES, reached)


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
