"""Whom a broadcast or a campaign means: customers with the contact to reach them by, page by page, so that a million take no memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, select, true

from domain.identity import Channel, ContactId, CustomerId, Locale
from projections.people.contacts import CONTACTS
from projections.people.customers import CUSTOMERS, LAST_IN_FIRST, Among, of_staff

_ANSWERS = and_(CUSTOMERS.c.forgotten.is_(False), func.coalesce(CUSTOMERS.c.merged_into, "") == "")
"""As KNOWN, but of no use to an index: SQLite would take that of ``merged_into`` and sort everybody anew for each page."""
_REACHABLE = and_(CONTACTS.c.private, CONTACTS.c.blocked.is_(None))

Agreed = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""Another view's word, for a contact, on whether it may be written to (projections.consents.agreed_by)."""


@dataclass(frozen=True, slots=True)
class Meant:
    """One of them. ``language``: what the channel shows of it."""

    number: int
    customer: CustomerId
    contact: ContactId
    channel: Channel
    language: Locale | None


def meant(
    connection: Connection,
    *,
    among: Sequence[Among] = (),
    without: Sequence[Among] = (),
    agreed: Agreed | None = None,
    after: int = 0,
    limit: int = 500,
) -> list[Meant]:
    """Return the next of those who are in all of ``among`` and in none of ``without``, by number above ``after``.

    Left out are operators only. The contact is the one heard from last, a reachable one where there is one, of these one that ``agreed``
    where there is one: whether anything may be sent there, the gate says.
    """
    page = (
        select(CUSTOMERS.c.number, CUSTOMERS.c.customer)
        .where(CUSTOMERS.c.number > after, *_clauses(among, without))
        .order_by(CUSTOMERS.c.number)
        .limit(limit)
    )
    numbers = {row.customer: row.number for row in connection.execute(page)}
    best_first = (
        select(CONTACTS.c.customer, CONTACTS.c.contact, CONTACTS.c.channel, CONTACTS.c.language)
        .where(CONTACTS.c.customer.in_(numbers))
        .order_by(_rank(agreed), *LAST_IN_FIRST)
    )
    chosen: dict[CustomerId, Any] = {}
    for row in connection.execute(best_first):
        chosen.setdefault(row.customer, row)
    return [
        Meant(number, found, chosen[found].contact, chosen[found].channel, chosen[found].language)
        for found, number in numbers.items()
    ]


def _rank(agreed: Agreed | None) -> ColumnElement[int]:
    may = true() if agreed is None else agreed(CONTACTS.c.contact)
    return case((and_(_REACHABLE, may), 0), (_REACHABLE, 1), else_=2)


def size(connection: Connection, *, among: Sequence[Among] = (), without: Sequence[Among] = ()) -> int:
    """Return how many that are."""
    statement = select(func.count()).select_from(CUSTOMERS).where(*_clauses(among, without))
    return connection.execute(statement).scalar_one()


def answering_for(records: Select[Any]) -> Select[Any]:
    """Return the question for the customers who answer for the records of another one."""
    return select(func.coalesce(CUSTOMERS.c.merged_into, CUSTOMERS.c.customer)).where(
        CUSTOMERS.c.customer.in_(records)
    )


def _clauses(among: Iterable[Among], without: Iterable[Among]) -> list[ColumnElement[bool]]:
    has_contact = exists().where(CONTACTS.c.customer == CUSTOMERS.c.customer)
    narrowed = [CUSTOMERS.c.customer.in_(those) for those in among]
    return [_ANSWERS, has_contact, ~of_staff(), *narrowed, *(CUSTOMERS.c.customer.not_in(t) for t in without)]
