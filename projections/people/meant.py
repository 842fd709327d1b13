"""Whom a broadcast or a campaign means: customers with the contact to reach them by, page by page, so that a million take no memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, select, true

from domain.identity import Account, Channel, ContactId, CustomerId, Locale, Slug
from projections.people.contacts import CONTACTS
from projections.people.customers import CUSTOMERS, LAST_IN_FIRST, Among, of_staff
from projections.schema import one_of

_ANSWERS = and_(CUSTOMERS.c.forgotten.is_(False), func.coalesce(CUSTOMERS.c.merged_into, "") == "")
"""As KNOWN, but of no use to an index: SQLite would take that of ``merged_into`` and sort everybody anew for each page."""
_REACHABLE = and_(CONTACTS.c.private, CONTACTS.c.blocked.is_(None))

Agreed = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""Another view's word, for a contact, on whether it may be written to (projections.consents.agreed_by)."""


class Meant(NamedTuple):
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
        select(CUSTOMERS.c.customer, CUSTOMERS.c.number)
        .where(CUSTOMERS.c.number > after, *_clauses(among, without))
        .order_by(CUSTOMERS.c.number)
        .limit(limit)
    )
    numbers = dict(connection.execute(page).all())
    best_first = (
        select(CONTACTS.c.customer, CONTACTS.c.contact, CONTACTS.c.channel, CONTACTS.c.language)
        .where(one_of(CONTACTS.c.customer, numbers))
        .order_by(_rank(agreed), *LAST_IN_FIRST)
    )
    chosen: dict[CustomerId, tuple[ContactId, Channel, Locale | None]] = {}
    for found, *reached in connection.execute(best_first).all():
        chosen.setdefault(found, (reached[0], reached[1], reached[2]))
    return [Meant(number, found, *chosen[found]) for found, number in numbers.items()]


def _rank(agreed: Agreed | None) -> ColumnElement[int]:
    may = true() if agreed is None else agreed(CONTACTS.c.contact)
    return case((and_(_REACHABLE, may), 0), (_REACHABLE, 1), else_=2)


class Face(NamedTuple):
    """What is known of a customer, and of the contact they are reached by. ``known_as``, ``name``: see Customer.

    ``private``: they wrote to us alone. ``blocked``: why they cannot be reached. ``last_in``: when their last message there was sent.
    """

    number: int
    known_as: str
    account: Account
    username: str
    private: bool
    blocked: Slug | None
    last_in: datetime | None

    @property
    def name(self) -> str:
        """What to show: what they are called, else the number."""
        return self.known_as or f"#{self.number}"


def faces(connection: Connection, reached_by: Mapping[CustomerId, ContactId]) -> dict[CustomerId, Face]:
    """Return what is known of the customers; missing are those who do not answer for themselves, or whose contact is not theirs (now)."""
    columns = (
        "account",
        "username",
        "private",
        "blocked",
        "last_in",
        "customer",
        "contact",
        "name",
        "own_name",
    )
    statement = (
        select(CUSTOMERS.c.number, CUSTOMERS.c.remark, *(CONTACTS.c[name] for name in columns))
        .join(CUSTOMERS, CUSTOMERS.c.customer == CONTACTS.c.customer)
        .where(one_of(CONTACTS.c.customer, reached_by), _ANSWERS)
        .order_by(*LAST_IN_FIRST)
    )
    remarks = _remarks_of_merged(connection, reached_by)
    shown: dict[CustomerId, str] = {}
    said: dict[CustomerId, str] = {}
    rows = connection.execute(statement).all()
    for *_, customer, _, name, own_name in rows:
        if name:
            shown.setdefault(customer, name)
        if own_name:
            said.setdefault(customer, own_name)
    return {
        customer: Face(
            number,
            remark or remarks.get(customer) or shown.get(customer) or said.get(customer, ""),
            *of_contact,
        )
        for number, remark, *of_contact, customer, contact, _, _ in rows
        if reached_by[customer] == contact
    }


def _remarks_of_merged(connection: Connection, wanted: Iterable[CustomerId]) -> dict[CustomerId, str]:
    """Return what the records that are part of the customers were called, of each the first one that was called anything."""
    rows = (
        select(CUSTOMERS.c.merged_into, CUSTOMERS.c.remark)
        .where(one_of(CUSTOMERS.c.merged_into, list(wanted)), CUSTOMERS.c.remark != "")
        .order_by(CUSTOMERS.c.number.desc())
    )
    return dict(connection.execute(rows).all())


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
