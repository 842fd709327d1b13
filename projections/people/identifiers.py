"""Identifiers: phone numbers and what else tells who is behind a contact, and how a number is found by its end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Index, Select, String, Table, delete, select

from domain.contacts.events import ContactIdentified
from domain.customers.events import CustomerForgotten
from domain.identity import ContactId, Digest, Slug
from domain.message import Recorded
from projections.projection import Projection, Rows
from projections.schema import METADATA

PHONE = Slug("phone")
FEWEST_DIGITS, WHOLE_NUMBER = 4, 7
"""Fewer digits than four name nobody; from seven on they are a number, and not the end of one."""

IDENTIFIERS = Table(
    "contact_identifiers",
    METADATA,
    Column("id", String, primary_key=True),
    Column("contact", String, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("value", String, nullable=False),
    Column("backwards", String, nullable=False),
    Column("verified", Boolean, nullable=False),
    Index("identifiers_by_end", "kind", "backwards"),
)
"""``backwards``: the value from its end, so that the end of a number is found along the index."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """``value``: E.164 for a phone. ``verified``: the channel vouches for it."""

    contact: ContactId
    kind: Slug
    digest: Digest
    value: str
    verified: bool


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [recorded.event for recorded in batch if isinstance(recorded.event, ContactIdentified)]
    rows = Rows(connection, IDENTIFIERS, (_id(event) for event in events))
    for event in events:
        before = rows.get(_id(event))
        rows.put(
            {
                "id": _id(event),
                "contact": event.contact,
                "kind": event.kind,
                "digest": event.digest,
                "value": event.value.value,
                "backwards": event.value.value[::-1],
                "verified": event.verified or (before is not None and before["verified"]),
            }
        )
    rows.save()


def _id(event: ContactIdentified) -> str:
    return f"{event.contact}:{event.digest}"


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(IDENTIFIERS).where(IDENTIFIERS.c.contact.in_(event.contacts)))


identifiers = Projection(
    name="identifiers",
    version=1,
    tables=(IDENTIFIERS,),
    listens_to=frozenset({ContactIdentified, CustomerForgotten}),
    apply=_apply,
    forget=_forget,
)


def identifiers_of(connection: Connection, wanted: Collection[ContactId]) -> list[Identifier]:
    """Return what is known of these contacts, by kind and value."""
    rows = connection.execute(
        select(IDENTIFIERS)
        .where(IDENTIFIERS.c.contact.in_(wanted))
        .order_by(IDENTIFIERS.c.kind, IDENTIFIERS.c.value, IDENTIFIERS.c.contact)
    )
    return [Identifier(row.contact, row.kind, row.digest, row.value, row.verified) for row in rows]


def ends_with(said: str, number: str) -> bool:
    """Whether a phone number is the one that somebody wrote: whole, without its country, or its last four digits."""
    wanted = digits(said)
    return wanted is not None and number.endswith(wanted)


def digits(said: str) -> str | None:
    """Return the digits of what may be a phone number or its last four; None for what is none."""
    plain = "".join(sign for sign in said if sign not in " -+()")
    if not (plain.isascii() and plain.isdecimal()):
        return None
    bare = plain.removeprefix("00").removeprefix("0") if len(plain) >= WHOLE_NUMBER else plain
    return bare if len(bare) == FEWEST_DIGITS or len(bare) >= WHOLE_NUMBER else None


def with_phone(said: str) -> Select[Any] | None:
    """Return the question for the contacts with this phone number, or one that ends so; None where it is no number."""
    wanted = digits(said)
    if wanted is None:
        return None
    end = wanted[::-1]
    return select(IDENTIFIERS.c.contact).where(
        IDENTIFIERS.c.kind == PHONE, IDENTIFIERS.c.backwards >= end, IDENTIFIERS.c.backwards < end + ":"
    )
