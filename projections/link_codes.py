"""Link codes: which one-time codes are open, as keyed hashes, and who tried wrong ones. The streams decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    String,
    Table,
    delete,
    func,
    insert,
    select,
)

from domain.contacts.events import LinkCodeIssued, LinkCodeUsed, LinkRefused
from domain.customers.events import CustomerForgotten
from domain.identity import ContactId, CustomerId, Digest
from domain.message import Recorded
from projections.projection import Projection
from projections.schema import METADATA, Utc

CODES = Table(
    "link_codes",
    METADATA,
    Column("code", String, primary_key=True),
    Column("customer", String, nullable=False, index=True),
    Column("contact", String),
    Column("expires_at", Utc, nullable=False),
)
REFUSALS = Table(
    "link_refusals",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("contact", String, nullable=False),
    Column("at", Utc, nullable=False),
    Index("link_refusals_of_contact", "contact", "at"),
)


@dataclass(frozen=True, slots=True)
class LinkCode:
    """Whom an open code leads to. ``contact``: who asked for it, None for an operator's."""

    customer: CustomerId
    contact: ContactId | None


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    """Few and far between: each event is a statement of its own."""
    for recorded in batch:
        match recorded.event:
            case LinkCodeIssued(code=code, customer=customer, contact=contact, expires_at=expires_at):
                row = {"code": code, "customer": customer, "contact": contact, "expires_at": expires_at}
                connection.execute(insert(CODES), [row])
            case LinkCodeUsed(code=code):
                connection.execute(delete(CODES).where(CODES.c.code == code))
            case LinkRefused(contact=contact, at=at):
                tried = {"position": recorded.position, "contact": contact, "at": at}
                connection.execute(insert(REFUSALS), [tried])
            case _:
                continue


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(CODES).where(CODES.c.customer.in_(event.customers)))
    connection.execute(delete(REFUSALS).where(REFUSALS.c.contact.in_(event.contacts)))


link_codes = Projection(
    name="link-codes",
    version=1,
    tables=(CODES, REFUSALS),
    listens_to=frozenset({LinkCodeIssued, LinkCodeUsed, LinkRefused, CustomerForgotten}),
    apply=_apply,
    forget=_forget,
)


def open_code(connection: Connection, code: Digest, now: datetime) -> LinkCode | None:
    """Return whom a code leads to; None for one that is wrong, used or expired."""
    statement = select(CODES).where(CODES.c.code == code, CODES.c.expires_at > now)
    found = connection.execute(statement).first()
    return None if found is None else LinkCode(found.customer, found.contact)


def refusals(connection: Connection, contact: ContactId, since: datetime) -> int:
    """Return how many wrong codes a contact tried after ``since``."""
    statement = select(func.count()).where(REFUSALS.c.contact == contact, REFUSALS.c.at > since)
    return connection.execute(statement).scalar_one()
