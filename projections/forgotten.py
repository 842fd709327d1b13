"""The forgotten: whose keys are destroyed again at every start. Nothing of theirs is here but ids.

An order has a key of its own, for it may come before its buyer. Whatever was matched with somebody before they were forgotten goes with
them: that is told by the log's order alone, so an order that is matched while they are being forgotten is not overlooked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import JSON, BigInteger, Column, Connection, String, Table, insert, or_, select

from domain.customers.events import CustomerForgotten
from domain.identity import CustomerId, SubjectId
from domain.message import Recorded
from domain.purchases.events import OrderMatched
from projections.projection import Projection
from projections.schema import METADATA

FORGOTTEN = Table(
    "forgotten",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("customer", String, nullable=False),
    Column("subjects", JSON, nullable=False),
)
MATCHED = Table(
    "forgotten_purchases",
    METADATA,
    Column("purchase", String, primary_key=True),
    Column("customer", String, index=True),
    Column("contact", String, index=True),
)
"""Whose the orders are, for the day that somebody is forgotten."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """One promise. ``subjects``: whose keys are destroyed because of it."""

    position: int
    customer: CustomerId
    subjects: tuple[SubjectId, ...]


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    for recorded in batch:
        match recorded.event:
            case OrderMatched(purchase=purchase, customer=customer, contact=contact):
                row = {"purchase": purchase, "customer": customer, "contact": contact}
                connection.execute(insert(MATCHED), row)
            case CustomerForgotten() as event:
                subjects = [*event.subjects, *_purchases(connection, event)]
                new = {"position": recorded.position, "customer": event.customer, "subjects": subjects}
                connection.execute(insert(FORGOTTEN), new)
            case _:
                continue


def _purchases(connection: Connection, event: CustomerForgotten) -> Iterable[SubjectId]:
    theirs = or_(MATCHED.c.customer.in_(event.customers), MATCHED.c.contact.in_(event.contacts))
    found = connection.execute(select(MATCHED.c.purchase).where(theirs).order_by(MATCHED.c.purchase))
    return (SubjectId(f"purchase-{purchase}") for purchase in found.scalars())


forgotten = Projection(
    name="forgotten",
    version=2,
    tables=(FORGOTTEN, MATCHED),
    listens_to=frozenset({CustomerForgotten, OrderMatched}),
    apply=_apply,
)


def promised(connection: Connection, after: int = 0) -> list[Forgotten]:
    """Return who asked to be forgotten, in order; ``after`` a position."""
    statement = select(FORGOTTEN).where(FORGOTTEN.c.position > after).order_by(FORGOTTEN.c.position)
    return [
        Forgotten(row.position, row.customer, tuple(map(SubjectId, row.subjects)))
        for row in connection.execute(statement)
    ]
