"""Who somebody is whom a message is about to reach: asked for each message, so in one statement that is built once."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, select

from domain.identity import ContactId, CustomerId, Locale
from projections.people.contacts import CONTACTS
from projections.people.customers import CUSTOMERS, KNOWN, LAST_IN_FIRST


class Reached(NamedTuple):
    """A contact, and what the customer behind it is called (``Customer.known_as``). ``number``: None where nobody answers for it."""

    customer: CustomerId
    number: int | None
    known_as: str
    username: str
    language: Locale | None
    last_in: datetime | None


_MINE, _MERGED = CONTACTS.alias(), CUSTOMERS.alias()
_CALLED = (
    select(_MERGED.c.remark)
    .where(_MERGED.c.merged_into == _MINE.c.customer, _MERGED.c.remark != "")
    .order_by(_MERGED.c.number)
    .limit(1)
    .scalar_subquery()
)
_WHOLE = (
    select(CONTACTS, CUSTOMERS.c.number, CUSTOMERS.c.remark, _CALLED.label("called"))
    .select_from(_MINE)
    .join(CONTACTS, CONTACTS.c.customer == _MINE.c.customer)
    .outerjoin(CUSTOMERS, and_(CUSTOMERS.c.customer == _MINE.c.customer, KNOWN))
    .where(_MINE.c.contact == bindparam("contact"))
    .order_by(*LAST_IN_FIRST)
)
"""All contacts of the customer, the one who wrote last first."""


def reached(connection: Connection, contact: ContactId) -> Reached | None:
    """Return who is behind a contact, None where nobody is known by this id."""
    rows = connection.execute(_WHOLE, {"contact": contact}).all()
    mine = next((row for row in rows if row.contact == contact), None)
    if mine is None:
        return None
    known_as = mine.name
    if mine.number is not None:
        names = (mine.remark, mine.called, *(row.name for row in rows), *(row.own_name for row in rows))
        known_as = next(filter(None, names), "")
    return Reached(mine.customer, mine.number, known_as, mine.username or "", mine.language, mine.last_in)
