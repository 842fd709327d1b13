"""The figures of a campaign. Each is a condition on recipients: what counts them, and what lists them, is the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, func, not_, select, true

from domain.deliveries.events import HOLDOUT
from domain.identity import (
    BroadcastId,
    CampaignId,
    Channel,
    ContactId,
    Currency,
    CustomerId,
    DeliveryId,
    GroupId,
    RunId,
    Slug,
)
from projections.campaigns.tables import PARTIES, RECIPIENTS, Status

GLOBAL_HOLDOUT: Final = "global-holdout"
BEFORE_THE_DRAW: Final = (
    "reachability",
    "campaign",
    "broadcast",
    "operator",
    "identity",
    "template",
    "consent",
    "recency",
)
"""The rules that the gate asks before it leaves out those who were drawn to compare with: whoever they refuse, in whatever arm, would
have been refused in any other."""


class Figure(StrEnum):
    """What is counted, in the order in which it is shown."""

    PLANNED = "planned"
    WAITING = "waiting"
    LEFT_OUT = "left-out"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"
    EXPIRED = "expired"
    DELIVERED = "delivered"
    READ = "read"
    CLICKED = "clicked"
    REPLIED = "replied"
    RECALLED = "recalled"
    OPTED_OUT = "opted-out"
    CONVERTED = "converted"
    ELIGIBLE = "eligible"
    """Whom it would have reached but for what comes after the draw: what is compared with those who were drawn to get nothing."""
    ELIGIBLE_CONVERTED = "eligible-converted"
    HELD_OUT = "held-out"
    HELD_OUT_CONVERTED = "held-out-converted"
    GLOBALLY_HELD_OUT = "globally-held-out"
    GLOBALLY_HELD_OUT_CONVERTED = "globally-held-out-converted"


def _is(status: Status) -> ColumnElement[bool]:
    return RECIPIENTS.c.status == status.value


def _sent_and(column: str) -> ColumnElement[bool]:
    return and_(_is(Status.SENT), RECIPIENTS.c[column].is_not(None))


_CONVERTED = RECIPIENTS.c.converted_at.is_not(None)
_HELD_OUT = and_(_is(Status.LEFT_OUT), RECIPIENTS.c.reason == HOLDOUT)
_GLOBALLY = and_(_is(Status.LEFT_OUT), RECIPIENTS.c.reason == GLOBAL_HOLDOUT)
_BEFORE = and_(_is(Status.LEFT_OUT), RECIPIENTS.c.rule.in_(BEFORE_THE_DRAW))
_ELIGIBLE = and_(not_(_is(Status.WAITING)), not_(_BEFORE), not_(_HELD_OUT), not_(_GLOBALLY))

CONDITIONS: Final[Mapping[Figure, ColumnElement[bool]]] = {
    Figure.PLANNED: true(),
    Figure.WAITING: _is(Status.WAITING),
    Figure.LEFT_OUT: _is(Status.LEFT_OUT),
    Figure.SENT: _is(Status.SENT),
    Figure.UNKNOWN: _is(Status.UNKNOWN),
    Figure.FAILED: _is(Status.FAILED),
    Figure.EXPIRED: _is(Status.EXPIRED),
    Figure.DELIVERED: _sent_and("delivered_at"),
    Figure.READ: _sent_and("read_at"),
    Figure.CLICKED: _sent_and("clicked_at"),
    Figure.REPLIED: _sent_and("replied_at"),
    Figure.RECALLED: RECIPIENTS.c.recalled_at.is_not(None),
    Figure.OPTED_OUT: _sent_and("opted_out_at"),
    Figure.CONVERTED: _sent_and("converted_at"),
    Figure.ELIGIBLE: _ELIGIBLE,
    Figure.ELIGIBLE_CONVERTED: and_(_ELIGIBLE, _CONVERTED),
    Figure.HELD_OUT: _HELD_OUT,
    Figure.HELD_OUT_CONVERTED: and_(_HELD_OUT, _CONVERTED),
    Figure.GLOBALLY_HELD_OUT: _GLOBALLY,
    Figure.GLOBALLY_HELD_OUT_CONVERTED: and_(_GLOBALLY, _CONVERTED),
}

Figures = dict[Figure, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """Which recipients: of a campaign (or broadcast), and where named of one run, text, channel, reason, route."""

    campaign: CampaignId | BroadcastId
    run: RunId | None = None
    variant: Slug | None = None
    channel: Channel | None = None
    reason: Slug | None = None
    route: Slug | None = None

    def clause(self) -> ColumnElement[bool]:
        """Return it as a condition."""
        named: dict[str, str | None] = {"campaign": self.campaign, "run": self.run, "variant": self.variant}
        named |= {"channel": self.channel, "reason": self.reason, "route": self.route}
        return and_(*(RECIPIENTS.c[name] == value for name, value in named.items() if value is not None))


@dataclass(frozen=True, slots=True)
class Reason:
    """So many are left out, failed or were not told of, for this reason by this rule."""

    status: Status
    reason: Slug | None
    rule: Slug | None
    recipients: int


@dataclass(frozen=True, slots=True)
class Routed:
    """So many it was sent to by one of a channel's routes."""

    channel: Channel
    route: Slug
    recipients: int


@dataclass(frozen=True, slots=True)
class Worth:
    """What the conversions are worth in one currency, in its smallest unit; without a currency, a mere number."""

    currency: Currency | None
    value: int


@dataclass(frozen=True, slots=True)
class Recipient:
    """One row of a list behind a figure. ``customer``: who answers for them now, None for the forgotten and for groups.

    ``at``: when it was sent, or given up. ``cursor``: for the next page.
    """

    cursor: int
    delivery: DeliveryId
    run: RunId
    customer: CustomerId | None
    contact: ContactId | None
    group: GroupId | None
    channel: Channel | None
    variant: Slug | None
    status: Status
    reason: Slug | None
    rule: Slug | None
    route: Slug | None
    planned_at: datetime
    at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    clicked_at: datetime | None
    replied_at: datetime | None
    recalled_at: datetime | None
    opted_out_at: datetime | None
    converted_at: datetime | None
    value: int | None
    currency: Currency | None


def figures(connection: Connection, among: Among) -> Figures:
    """Return every figure of these recipients."""
    return _figures(connection.execute(select(*_COUNTS).where(among.clause())).mappings().one())


def figures_by_variant(connection: Connection, among: Among) -> dict[Slug | None, Figures]:
    """Return every figure of each text; None: of what has no variant, as broadcasts. All of them add up to ``figures``."""
    variant = RECIPIENTS.c.variant
    statement = select(*_COUNTS, variant).where(among.clause()).group_by(variant).order_by(variant)
    return {row["variant"]: _figures(row) for row in connection.execute(statement).mappings()}


def added_up(parts: Iterable[Figures]) -> Figures:
    """Return the figures of several parts together."""
    total: Figures = dict.fromkeys(Figure, 0)
    for part in parts:
        for figure, number in part.items():
            total[figure] += number
    return total


def reasons(connection: Connection, among: Among) -> list[Reason]:
    """Return why some did not get it, or may not have; what concerns most comes first."""
    columns = (RECIPIENTS.c.status, RECIPIENTS.c.reason, RECIPIENTS.c.rule)
    unsent = (Status.LEFT_OUT, Status.FAILED, Status.UNKNOWN, Status.EXPIRED)
    statement = (
        select(*columns, func.count().label("recipients"))
        .where(among.clause(), RECIPIENTS.c.status.in_([status.value for status in unsent]))
        .group_by(*columns)
    )
    found = [Reason(Status(r.status), r.reason, r.rule, r.recipients) for r in connection.execute(statement)]
    return sorted(found, key=lambda one: (-one.recipients, one.status, one.reason or "", one.rule or ""))


def by_route(connection: Connection, among: Among) -> list[Routed]:
    """Return by which routes it was sent, of channels that have several."""
    columns = (RECIPIENTS.c.channel, RECIPIENTS.c.route)
    statement = (
        select(*columns, func.count().label("recipients"))
        .where(among.clause(), CONDITIONS[Figure.SENT], RECIPIENTS.c.route.is_not(None))
        .group_by(*columns)
        .order_by(*columns)
    )
    return [Routed(row.channel, row.route, row.recipients) for row in connection.execute(statement)]


def worth(connection: Connection, among: Among, figure: Figure = Figure.CONVERTED) -> list[Worth]:
    """Return what the conversions behind a figure are worth, by currency."""
    currency = RECIPIENTS.c.currency
    statement = (
        select(currency, func.sum(RECIPIENTS.c.value).label("value"))
        .where(among.clause(), CONDITIONS[figure], RECIPIENTS.c.value.is_not(None))
        .group_by(currency)
        .order_by(currency)
    )
    return [Worth(row.currency, int(row.value)) for row in connection.execute(statement)]


def recipients(
    connection: Connection,
    among: Among,
    figure: Figure,
    *,
    after: int = 0,
    limit: int = 50,
) -> list[Recipient]:
    """Return whom a figure counts, in the order in which they were planned; ``after``: the cursor of the last one of the page before."""
    here = RECIPIENTS.c.position
    statement = _list().where(among.clause(), CONDITIONS[figure], here > after).order_by(here).limit(limit)
    page = connection.execute(statement).mappings()
    return [
        Recipient(
            cursor=row["position"],
            status=Status(row["status"]),
            customer=row["answers"],
            group=row["group_id"],
            **{name: row[name] for name in _SAME_NAMES},
        )
        for row in page
    ]


def last_at(connection: Connection, among: Among) -> datetime | None:
    """Return when the last message went out, or was given up; None while nothing did."""
    return connection.execute(select(func.max(RECIPIENTS.c.at)).where(among.clause())).scalar()


def _list() -> Select[Any]:
    answers = func.coalesce(PARTIES.c.customer, RECIPIENTS.c.customer).label("answers")
    return select(RECIPIENTS, answers).outerjoin(PARTIES, PARTIES.c.party == RECIPIENTS.c.contact)


def _figures(row: RowMapping) -> Figures:
    return {figure: int(row[figure.name]) for figure in Figure}


_COUNTS = [func.count().filter(CONDITIONS[figure]).label(figure.name) for figure in Figure]
_SAME_NAMES = tuple(
    name for name in Recipient.__dataclass_fields__ if name not in {"cursor", "status", "customer", "group"}
)
