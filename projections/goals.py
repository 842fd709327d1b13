"""Goals: who reached what, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Select,
    String,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
)

from domain.customers.events import CustomerForgotten
from domain.goals.events import GoalReached
from domain.identity import Currency, CustomerId, Slug
from domain.message import Recorded
from projections.projection import PARTY_EVENTS, RECORD_EVENTS, Parties, Projection
from projections.schema import METADATA, Utc, parties_table

GOALS = Table(
    "goals",
    METADATA,
    Column("key", String, primary_key=True),
    Column("position", BigInteger, nullable=False, unique=True),
    Column("goal", String, nullable=False),
    Column("contact", String, index=True),
    Column("customer", String, index=True),
    Column("at", Utc, nullable=False),
    Column("value", BigInteger),
    Column("currency", String),
    Index("goals_by_name", "goal", "at"),
)
PARTIES = parties_table("goal_parties")


@dataclass(frozen=True, slots=True)
class Reached:
    """``value``: in the currency's smallest unit; without a currency, a mere number. ``cursor``: for the next page."""

    cursor: int
    goal: Slug
    customer: CustomerId
    at: datetime
    value: int | None
    currency: Currency | None


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    parties = Parties(connection, PARTIES, batch)
    for recorded in batch:
        match recorded.event:
            case GoalReached() as reached:
                names = ("key", "goal", "contact", "customer", "at", "value", "currency")
                row = {"position": recorded.position, **{name: getattr(reached, name) for name in names}}
                connection.execute(insert(GOALS), row)
            case event:
                parties.note(event)
    parties.save()


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    theirs = or_(GOALS.c.contact.in_(event.contacts), GOALS.c.customer.in_(event.customers))
    connection.execute(delete(GOALS).where(theirs))
    connection.execute(delete(PARTIES).where(PARTIES.c.party.in_([*event.contacts, *event.customers])))


goals = Projection(
    name="goals",
    version=1,
    tables=(GOALS, PARTIES),
    listens_to=frozenset({*PARTY_EVENTS, *RECORD_EVENTS, GoalReached, CustomerForgotten}),
    apply=_apply,
    forget=_forget,
)

_WRITER, _RECORD = PARTIES.alias("goal_writer"), PARTIES.alias("goal_record")
OWNER = func.coalesce(_WRITER.c.customer, _RECORD.c.customer, GOALS.c.customer)


def _owned(*columns: Any) -> Select[Any]:  # noqa: ANN401  # columns of SQLAlchemy's
    return (
        select(*columns)
        .select_from(GOALS)
        .outerjoin(_WRITER, _WRITER.c.party == GOALS.c.contact)
        .outerjoin(_RECORD, _RECORD.c.party == GOALS.c.customer)
    )


def of_customer(
    connection: Connection, customer: CustomerId, *, before: int | None = None, limit: int = 50
) -> list[Reached]:
    """Return what a customer reached, what was told of last first; ``before``: the cursor of the last one of the page before."""
    parties = select(PARTIES.c.party).where(PARTIES.c.customer == customer)
    named = or_(GOALS.c.contact.in_(parties), GOALS.c.customer.in_(parties), GOALS.c.customer == customer)
    statement = (
        _owned(GOALS).where(named, OWNER.in_([customer])).order_by(GOALS.c.position.desc()).limit(limit)
    )
    if before is not None:
        statement = statement.where(GOALS.c.position < before)
    return [
        Reached(row.position, row.goal, customer, row.at, row.value, row.currency)
        for row in connection.execute(statement)
    ]


def reached_by(goal: Slug, since: datetime | None = None) -> Select[Any]:
    """Return the question for the customers who reached a goal, since then."""
    statement = _owned(OWNER).where(GOALS.c.goal == goal, OWNER.is_not(None))
    return statement if since is None else statement.where(GOALS.c.at >= since)
