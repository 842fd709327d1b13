"""What became of deliveries and broadcasts, and how many stand where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, literal, select

from domain.broadcasts.broadcast import Stage
from domain.broadcasts.events import (
    AudienceKind,
)
from domain.deliveries.delivery import LEFT, Phase
from domain.deliveries.events import (
    DeliveryClass,
)
from domain.identity import (
    BroadcastId,
    CampaignId,
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
from projections.deliveries.tables import BROADCASTS, DELIVERIES, PARTIES
from projections.question import Question

SHORTEST_PREFIX = 6


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


def left_of(
    connection: Connection, of: CampaignId | BroadcastId, after: DeliveryId | None = None, limit: int = 100
) -> list[DeliveryId]:
    """Return the deliveries of a campaign or broadcast that left, may have left, or wait to leave: by id, after one of them."""
    for question in _LEFT_OF:
        found = question.ask(connection, of=of, after=after or "", limit=limit)
        if found:
            return [delivery for (delivery,) in found]
    return []


_LEFT_OF = tuple(
    Question(
        select(DELIVERIES.c.delivery)
        .where(origin == bindparam("of"), DELIVERIES.c.delivery > bindparam("after"))
        .where(DELIVERIES.c.phase.in_([literal(phase.value) for phase in (*LEFT, Phase.PLANNED)]))
        .order_by(DELIVERIES.c.delivery)
        .limit(bindparam("limit"))
    )
    for origin in (DELIVERIES.c.campaign, DELIVERIES.c.broadcast)
)
"""One after the other, as no delivery has both: asked with OR, neither index gives the order, and all of them are sorted for each page."""


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
    said = func.coalesce(DELIVERIES.c.rendered, DELIVERIES.c.text, BROADCASTS.c.text, "").label("said")
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
