"""What the scheduler asks: which deliveries, broadcasts and schedules to look at, and when next."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from operator import itemgetter
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
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
)
from projections.question import Question, Values
from projections.schema import one_asked_for

FAIR_SHARE = 4
"""Of so many marketing messages one is the longest due, whatever its priority: so none waits for ever for those above it."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
RIVALS = 5
"""More of higher priority for one customer make no difference."""


Among = Collection[tuple[Channel, Account]]
"""Accounts of ours."""
_RESENDABLE = and_(UNKNOWN, DUE.c.priority < MARKETING, DUE.c.attempt < MAX_ATTEMPTS)


class DueDelivery(Struct, frozen=True, gc=False):
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
    found: list[Values] = []
    for channel, account in among:
        rows = _READY.stored(connection, channel=channel, account=account, now=now, limit=limit)
        if last >= 0:
            rows = [row for row in rows if row[_PRIORITY] <= last]
        rows.sort(key=_IN_LINE)
        urgent = sum(row[_PRIORITY] < MARKETING for row in rows)
        found += [*rows[:urgent], *islice(_fairly(rows[urgent:]), max(0, limit - urgent))][:limit]
    if len(among) > 1:
        found.sort(
            key=lambda row: min(row[_PRIORITY], MARKETING)
        )  # within a class by account, each in its order
    return _due(connection, _READY, found)


_COLUMNS = (
    *("delivery", "priority", "phase", "contact", "customer", "group_id", "channel", "account", "broadcast"),
    *("occasion", "not_before", "expires_at", "attempt", "until", "position"),
)
"""Of a delivery to look at, in this order."""
_PRIORITY = _COLUMNS.index("priority")
_BY_AGE = itemgetter(_COLUMNS.index("not_before"), _COLUMNS.index("position"))
_IN_LINE = itemgetter(_PRIORITY, _COLUMNS.index("not_before"), _COLUMNS.index("position"))
_ROW = select(*(DUE.c[name] for name in _COLUMNS))
_READY = Question(
    union_all(
        *(
            select(
                _ROW.where(
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
)


def _fairly(rows: Sequence[Values]) -> Iterator[Values]:
    """Return rows, which come by priority, with every fourth place for the longest due."""
    if (
        rows and rows[0][_PRIORITY] == rows[-1][_PRIORITY]
    ):  # as a broadcast's: the longest due come first anyway
        yield from rows
        return
    by_priority, by_age = iter(rows), iter(sorted(rows, key=_BY_AGE))
    taken: set[str] = set()
    for number in range(1, len(rows) + 1):
        line = by_age if number % FAIR_SHARE == 0 else by_priority
        row = next(row for row in line if row[0] not in taken)
        taken.add(row[0])
        yield row


def rivals(connection: Connection, delivery: DeliveryId, now: datetime) -> list[Rival]:
    """Return the marketing of higher priority that is planned for the same customer, the soonest first."""
    return [Rival(*told) for told in _RIVALS.ask(connection, delivery=delivery, now=now)]


_MINE = DUE.alias()
_RIVALS = Question(
    select(DUE.c.not_before, DUE.c.channel, DUE.c.topic)
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
    return _due(connection, _EXPIRED, _EXPIRED.stored(connection, now=now, limit=limit))


def resendable(connection: Connection, now: datetime, limit: int, among: Among) -> list[DueDelivery]:
    """Return replies and service messages of unknown outcome that may be tried again now, of these accounts, replies first.

    They have not expired, have tries left, no rule lets them wait, and their lease ended long enough ago.
    """
    if SENDING_HELD in held(connection):
        return []
    ended = now - RESEND_AFTER_LEASE
    return _due(
        connection, _AGAIN, _AGAIN.stored(connection, now=now, ended=ended, limit=limit, among=_named(among))
    )


def overdue(connection: Connection, now: datetime, limit: int, among: Among) -> list[DueDelivery]:
    """Return planned deliveries whose time has passed, of these accounts, the longest ago first."""
    return _due(connection, _OVERDUE, _OVERDUE.stored(connection, now=now, limit=limit, among=_named(among)))


def _named(among: Among) -> list[str]:
    return [f"{channel}:{account}" for channel, account in among]


_NOW = bindparam("now", type_=DUE.c.not_before.type)
_AMONG = one_asked_for(DUE.c.channel + ":" + DUE.c.account, "among")
_AGAIN = Question(
    _ROW.where(
        _RESENDABLE,
        DUE.c.until <= bindparam("ended", type_=DUE.c.until.type),
        DUE.c.not_before <= _NOW,
        DUE.c.expires_at > _NOW,
        _AMONG,
    )
    .order_by(DUE.c.priority, DUE.c.until)
    .limit(bindparam("limit"))
)
_OVERDUE = Question(
    _ROW.where(PLANNED, DUE.c.expires_at <= _NOW, _AMONG).order_by(DUE.c.expires_at).limit(bindparam("limit"))
)
_EXPIRED = Question(_ROW.where(STARTED, DUE.c.until <= _NOW).order_by(DUE.c.until).limit(bindparam("limit")))
_LOST = Question(
    _ROW.where(UNKNOWN).order_by(DUE.c.until.desc(), DUE.c.position.desc()).limit(bindparam("limit"))
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
    return _due(connection, _LOST, _LOST.stored(connection, limit=limit))


def due_broadcasts(connection: Connection, now: datetime, limit: int = 100) -> list[BroadcastId]:
    """Return confirmed broadcasts whose time has come and that are not fanned out, the longest due first."""
    return [broadcast for (broadcast,) in _CONFIRMED.ask(connection, now=now, limit=limit)]


_CONFIRMED = Question(
    select(BROADCASTS.c.broadcast)
    .where(BROADCASTS.c.not_before <= _NOW)
    .order_by(BROADCASTS.c.not_before, BROADCASTS.c.broadcast)
    .limit(bindparam("limit"))
)


def campaigns_under_way(connection: Connection) -> list[UnderWay]:
    """Return the campaigns that were launched and are neither paused nor over, by id; their runs in the order in which they began."""
    begun: dict[CampaignId, list[RunId]] = {}
    for campaign, run in _BEGUN.ask(connection):
        begun.setdefault(campaign, []).append(run)
    return [
        UnderWay(campaign, last_at, tuple(begun.get(campaign, ())), open=bool(open_))
        for campaign, last_at, open_ in _UNDER_WAY.ask(connection)
    ]


_BEGUN = Question(select(RUNS.c.campaign, RUNS.c.run).order_by(RUNS.c.position))
_UNDER_WAY = Question(
    select(
        CAMPAIGNS.c.campaign,
        CAMPAIGNS.c.last_at,
        exists().where(DUE.c.campaign == CAMPAIGNS.c.campaign, or_(PLANNED, STARTED)),
    )
    .where(CAMPAIGNS.c.campaign.not_in(select(PAUSED.c.campaign)))
    .order_by(CAMPAIGNS.c.campaign)
)


def held(connection: Connection) -> frozenset[str]:
    """Return what holds messages back altogether: ``marketing``, ``sending``."""
    return frozenset(hold for (hold,) in _HELD.ask(connection))


_HELD = Question(select(HOLDS.c.hold))


def active_schedules(connection: Connection) -> list[ActiveSchedule]:
    """Return the recurring messages that have not ended, by id."""
    return [ActiveSchedule(*told) for told in _ACTIVE.ask(connection)]


_ACTIVE = Question(
    select(
        *(SCHEDULES.c[name] for name in ("schedule", "recurrence", "zone", "starts_at", "last_day"))
    ).order_by(SCHEDULES.c.schedule)
)


def next_moment(connection: Connection, after: datetime = LONG_AGO) -> datetime | None:
    """Return when something is due next (of what is due after a moment); None where nothing waits for a time. Schedules are not in it."""
    stopped = held(connection)
    silent: Collection[str] = ()
    if SENDING_HELD in stopped:
        silent = PLACES
    elif MARKETING_PAUSED in stopped:
        silent = (DeliveryClass.MARKETING,)
    moments = [
        moment + RESEND_AFTER_LEASE if what == _ENDED else moment
        for what, moment in _NEXT.ask(connection, after=after, ended_after=after - RESEND_AFTER_LEASE)
        if moment is not None and what not in silent
    ]
    return min(moments, default=None)


_ENDED = "ended"
"""A lease that ended, some time before what comes next."""


def _earliest(
    what: str, column: Column[Any], clause: ColumnElement[bool], after: str = "after"
) -> Select[str, Any]:
    later = column > bindparam(after, type_=column.type)
    named: ColumnElement[str] = literal_column(f"'{what}'")
    return select(named.label("what"), func.min(column).label("moment")).where(clause, later)


_NEXT = Question(
    union_all(
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
        _earliest(_ENDED, DUE.c.until, _RESENDABLE, "ended_after"),
    )
)


def _due(connection: Connection, question: Question, rows: Sequence[Values]) -> list[DueDelivery]:
    """Return what a question found, made column by column: that takes a third of what it does row by row."""
    if not rows:
        return []
    delivery, priority, phase, *told, _position = question.columns(connection, rows)
    kinds = [_KINDS.get(where, DeliveryClass.MARKETING) for where in priority]
    return list(map(DueDelivery, delivery, kinds, [_PHASES[one] for one in phase], *told))


_KINDS = {where: kind for kind, places in PLACES.items() for where in places}
_PHASES = {phase.value: phase for phase in Phase}
