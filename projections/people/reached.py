"""Who those are whom messages are about to reach: asked for all that start at once, in one question."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, select

from domain.identity import ContactId, CustomerId, Locale
from projections.people.contacts import CONTACTS
from projections.people.customers import CUSTOMERS, KNOWN, LAST_IN_FIRST
from projections.question import Question
from projections.schema import one_asked_for


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
_WHOLE = Question(
    select(
        _MINE.c.contact.label("asked"),
        *(CONTACTS.c[name] for name in ("contact", "name", "own_name", "username", "language", "last_in")),
        CONTACTS.c.customer,
        CUSTOMERS.c.number,
        CUSTOMERS.c.remark,
        _CALLED.label("called"),
    )
    .select_from(_MINE)
    .join(CONTACTS, CONTACTS.c.customer == _MINE.c.customer)
    .outerjoin(CUSTOMERS, and_(CUSTOMERS.c.customer == _MINE.c.customer, KNOWN))
    .where(one_asked_for(_MINE.c.contact, "contacts"))
    .order_by(*LAST_IN_FIRST)
)
"""All contacts of the customers, of each the one who wrote last first."""


def reached(connection: Connection, contacts: Collection[str]) -> dict[ContactId, Reached]:
    """Return who is behind each of the contacts; those by whose id nobody is known are missing."""
    whole: dict[ContactId, list[Sequence[Any]]] = {}
    for asked, *row in _WHOLE.ask(connection, contacts=list(contacts)):
        whole.setdefault(asked, []).append(row)
    return {contact: _reached(contact, rows) for contact, rows in whole.items()}


def _reached(contact: ContactId, rows: Sequence[Sequence[Any]]) -> Reached:
    mine = next(row for row in rows if row[0] == contact)
    _, known_as, _, username, language, last_in, customer, number, remark, called = mine
    if number is not None:
        shown, said = (row[1] for row in rows), (row[2] for row in rows)
        known_as = next(filter(None, (remark, called, *shown, *said)), "")
    return Reached(customer, number, known_as, username or "", language, last_in)
