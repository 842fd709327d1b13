"""Holders: who is shown to have a phone number, a unionid or an address, whoever says so."""

from sqlalchemy import Connection, select

from domain.identity import Channel, ContactId, CustomerId, Digest
from projections.people.contacts import CONTACTS
from projections.people.identifiers import IDENTIFIERS

MOST_HOLDERS = 50
"""More are no one person's."""


def with_identifier(connection: Connection, digest: Digest) -> list[tuple[ContactId, CustomerId]]:
    """Return (contact, customer) of those for whom this identifier is noted, also by an operator; what a channel vouches for first."""
    rows = connection.execute(
        select(CONTACTS.c.contact, CONTACTS.c.customer)
        .join(IDENTIFIERS, IDENTIFIERS.c.contact == CONTACTS.c.contact)
        .where(IDENTIFIERS.c.digest == digest, CONTACTS.c.customer.is_not(None))
        .order_by(IDENTIFIERS.c.verified.desc(), CONTACTS.c.contact)
        .limit(MOST_HOLDERS)
    )
    return [(row.contact, row.customer) for row in rows]


def at_address(
    connection: Connection, channel: Channel, external_id: str
) -> list[tuple[ContactId, CustomerId]]:
    """Return (contact, customer) of those with this external id on a channel, whichever of our accounts they wrote to."""
    rows = connection.execute(
        select(CONTACTS.c.contact, CONTACTS.c.customer)
        .where(
            CONTACTS.c.channel == channel,
            CONTACTS.c.external_id == external_id,
            CONTACTS.c.customer.is_not(None),
        )
        .order_by(CONTACTS.c.contact)
        .limit(MOST_HOLDERS)
    )
    return [(row.contact, row.customer) for row in rows]
