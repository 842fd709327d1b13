"""Consents: by which contact somebody may be written to about what. Folded as the decider folds them (domain/customers/parts.py)."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    String,
    Table,
    delete,
    false,
    func,
    select,
)

from domain.customers import parts
from domain.customers.events import (
    MARKETING,
    ConsentGranted,
    ConsentWithdrawn,
    CustomerAbsorbed,
    CustomerCreated,
    CustomerForgotten,
    CustomerReleased,
    CustomerUnmerged,
    Part,
)
from domain.customers.parts import Parts
from domain.identity import ContactId, Slug
from domain.message import Recorded
from projections.projection import Projection, Row, Rows
from projections.schema import METADATA, one_of

STANDINGS = Table(
    "consent_standings",
    METADATA,
    Column("customer", String, primary_key=True),
    Column("parts", String, nullable=False),
)
"""What each customer is made of, as far as consent goes; after a merge also those who do not answer for themselves."""
CONTACT_CONSENTS = Table(
    "contact_consents",
    METADATA,
    Column("id", String, primary_key=True),
    Column("contact", String, nullable=False),
    Column("customer", String, nullable=False, index=True),
    Column("topic", String, nullable=False),
    Column("agreed", Boolean, nullable=False),
    Column("ended", Boolean, nullable=False),
    Index("contact_consents_of_contact", "contact", "topic"),
)
"""Of each contact one row for the umbrella, and one for every topic that the person spoke about. ``ended``: on whichever channel."""

_MadeOf = CustomerAbsorbed | CustomerReleased | CustomerUnmerged
_Event = CustomerCreated | ConsentGranted | ConsentWithdrawn | _MadeOf


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [recorded.event for recorded in batch if isinstance(recorded.event, _Event)]
    standings = Rows(connection, STANDINGS, (event.customer for event in events))
    changed: dict[str, Parts] = {}
    for event in events:
        if isinstance(event, CustomerCreated):
            made_of: Parts = (Part(customer=event.customer, contacts=(event.contact,)),)
        elif isinstance(event, _MadeOf):
            made_of = tuple(_told(part) for part in event.parts)
        else:
            before = changed.get(event.customer)
            made_of = before if before is not None else _read(standings[event.customer]["parts"])
            if isinstance(event, ConsentGranted):
                made_of = parts.agreed(made_of, event.contact, event.topic)
            else:
                made_of = parts.ended(made_of, event.topic)
        changed.pop(event.customer, None)  # whoever was told of last has the contacts
        changed[event.customer] = made_of
    for customer, made_of in changed.items():
        standings.put({"customer": customer, "parts": msgspec.json.encode(made_of).decode()})
    standings.save()
    _write(connection, changed)


def _told(part: Part) -> Part:
    """Return what of a part concerns consent."""
    return Part(
        customer=part.customer,
        into=part.into,
        contacts=part.contacts,
        consents=part.consents,
        withdrawn=part.withdrawn,
        lifted=part.lifted,
    )


def _read(text: str) -> Parts:
    return msgspec.json.decode(text, type=tuple[Part, ...])


def _write(connection: Connection, changed: dict[str, Parts]) -> None:
    ours = sorted({contact for made_of in changed.values() for contact in parts.linked(made_of)})
    held = select(CONTACT_CONSENTS.c.id).where(CONTACT_CONSENTS.c.contact.in_(ours))
    rows = Rows(connection, CONTACT_CONSENTS, connection.execute(held).scalars() if ours else ())
    for row in list(rows):  # a topic that only somebody else spoke about, who is not one of them any more
        rows.discard(row["id"])
    for customer, made_of in changed.items():
        for row in _rows(customer, made_of):
            rows.put(row)
    rows.save()


def _rows(customer: str, made_of: Parts) -> Iterable[Row]:
    spoken_of = {topic for part in made_of for topic in (*part.consents, *part.withdrawn)}
    spoken_of |= {lift.topic for part in made_of for lift in part.lifted}
    for contact in sorted(parts.linked(made_of)):
        for topic in sorted({MARKETING, *spoken_of}):
            yield {
                "id": f"{contact}:{topic}",
                "contact": contact,
                "customer": customer,
                "topic": topic,
                "agreed": parts.agrees(made_of, contact, topic),
                "ended": parts.is_ended(made_of, topic),
            }


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(STANDINGS).where(STANDINGS.c.customer.in_(event.customers)))
    connection.execute(delete(CONTACT_CONSENTS).where(CONTACT_CONSENTS.c.contact.in_(event.contacts)))


consents = Projection(
    name="consents",
    version=1,
    tables=(STANDINGS, CONTACT_CONSENTS),
    listens_to=frozenset(
        {
            CustomerCreated,
            ConsentGranted,
            ConsentWithdrawn,
            CustomerAbsorbed,
            CustomerReleased,
            CustomerUnmerged,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)


def standing(
    connection: Connection, wanted: Collection[ContactId], topic: Slug
) -> dict[ContactId, tuple[bool, bool]]:
    """Return (agreed, ended) of each contact about a topic: what was said of it, else of the umbrella. Unknown contacts are missing."""
    said = select(CONTACT_CONSENTS.c.contact, CONTACT_CONSENTS.c.agreed, CONTACT_CONSENTS.c.ended)
    found: dict[ContactId, tuple[bool, bool]] = {}
    for about in dict.fromkeys((MARKETING, topic)):  # the topic's own row last: it decides
        rows = said.where(one_of(CONTACT_CONSENTS.c.contact, wanted), CONTACT_CONSENTS.c.topic == about)
        found.update((contact, (agreed, ended)) for contact, agreed, ended in connection.execute(rows).all())
    return found


def agreed_by(contact: ColumnElement[Any], topic: Slug) -> ColumnElement[bool]:
    """Return, for a statement over contacts, whether one agreed to a topic, as ``standing`` says."""

    def said(about: Slug) -> ColumnElement[Any]:
        row = select(CONTACT_CONSENTS.c.agreed).where(
            CONTACT_CONSENTS.c.contact == contact, CONTACT_CONSENTS.c.topic == about
        )
        return row.scalar_subquery()

    return func.coalesce(said(topic), said(MARKETING), false())
