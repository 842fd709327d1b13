"""The forgotten: whose keys are destroyed again at every start. Nothing of theirs is here but ids."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import JSON, BigInteger, Column, Connection, String, Table, insert, select

from domain.customers.events import CustomerForgotten
from domain.identity import CustomerId, SubjectId
from domain.message import Recorded
from projections.projection import Projection
from projections.schema import METADATA

FORGOTTEN = Table(
    "forgotten",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("customer", String, nullable=False),
    Column("subjects", JSON, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """One promise. ``subjects``: whose keys are destroyed because of it."""

    position: int
    customer: CustomerId
    subjects: tuple[SubjectId, ...]


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    rows = [
        {"position": recorded.position, "customer": event.customer, "subjects": event.subjects}
        for recorded in batch
        if isinstance(event := recorded.event, CustomerForgotten)
    ]
    if rows:
        connection.execute(insert(FORGOTTEN), rows)


forgotten = Projection(
    name="forgotten",
    version=1,
    tables=(FORGOTTEN,),
    listens_to=frozenset({CustomerForgotten}),
    apply=_apply,
)


def promised(connection: Connection, after: int = 0) -> list[Forgotten]:
    """Return who asked to be forgotten, in order; ``after`` a position."""
    statement = select(FORGOTTEN).where(FORGOTTEN.c.position > after).order_by(FORGOTTEN.c.position)
    return [
        Forgotten(row.position, row.customer, tuple(map(SubjectId, row.subjects)))
        for row in connection.execute(statement)
    ]
