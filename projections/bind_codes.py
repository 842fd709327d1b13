"""Bind codes: which one-time codes are open, as keyed hashes, and who tried wrong ones. The roster's stream decides."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, delete, func, insert, select

from domain.customers.events import CustomerForgotten
from domain.identity import ContactId, Digest, OperatorId
from domain.message import Recorded
from domain.operators.events import BindCodeIssued, BindingRefused, OperatorBound, OperatorRemoved
from projections.projection import Projection
from projections.schema import METADATA, Utc

CODES = Table(
    "bind_codes",
    METADATA,
    Column("code", String, primary_key=True),
    Column("operator", String, nullable=False, index=True),
    Column("expires_at", Utc, nullable=False),
)
REFUSALS = Table(
    "binding_refusals",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("contact", String, nullable=False),
    Column("at", Utc, nullable=False),
    Index("refusals_of_contact", "contact", "at"),
)


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    """Few and far between: each event is a statement of its own."""
    for recorded in batch:
        match recorded.event:
            case BindCodeIssued(code=code, operator=operator, expires_at=expires_at):
                connection.execute(delete(CODES).where(CODES.c.code == code))
                row = {"code": code, "operator": operator, "expires_at": expires_at}
                connection.execute(insert(CODES), [row])
            case OperatorBound(operator=operator) | OperatorRemoved(operator=operator):
                connection.execute(delete(CODES).where(CODES.c.operator == operator))
            case BindingRefused(contact=contact):
                tried = {"position": recorded.position, "contact": contact, "at": recorded.occurred_at}
                connection.execute(insert(REFUSALS), [tried])
            case _:
                continue


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(REFUSALS).where(REFUSALS.c.contact.in_(event.contacts)))


bind_codes = Projection(
    name="bind-codes",
    version=1,
    tables=(CODES, REFUSALS),
    listens_to=frozenset({BindCodeIssued, BindingRefused, OperatorBound, OperatorRemoved, CustomerForgotten}),
    apply=_apply,
    forget=_forget,
)


def operator_with(connection: Connection, code: Digest, now: datetime) -> OperatorId | None:
    """Return whose open code this is; None for one that is wrong, used or expired."""
    statement = select(CODES.c.operator).where(CODES.c.code == code, CODES.c.expires_at > now)
    found = connection.execute(statement).scalar()
    return None if found is None else OperatorId(found)


def refusals(connection: Connection, contact: ContactId, since: datetime) -> int:
    """Return how many wrong codes a contact tried after ``since``."""
    statement = select(func.count()).where(REFUSALS.c.contact == contact, REFUSALS.c.at > since)
    return connection.execute(statement).scalar_one()
