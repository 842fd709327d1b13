"""Who is meant: CUSTOMER as people write it (shared/design/interface.md, "Operator commands")."""

import re
from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, or_, select

from domain.identity import CustomerId
from projections.people.contacts import CONTACTS, key
from projections.people.customers import CUSTOMERS, Customer, answering, with_contacts
from projections.people.identifiers import PHONE, with_phone

CANDIDATES = 20
"""More than these help nobody to choose."""
SHORTEST_PREFIX = 6
SHORTEST_PHONE = 7
"""Digits: the last four of a number are many people's."""
_NUMBER = re.compile(r"#\s*([0-9]{1,9})")
_ID = re.compile(r"[0-9a-f-]+")


def find(connection: Connection, text: str) -> list[Customer]:
    """Return the customers that a text may mean, at most 20, by number; empty where nobody fits.

    ``#1042`` (also full-width), an id or at least 6 characters of its beginning, ``channel:external-id``, ``@username``, a remark or name:
    the whole of it if somebody is called so; a phone number, also without its country, or its last four digits; else a part of a name. A
    record that was merged into another leads to that one.
    """
    said = key(text)
    if not said:
        return []
    number = _NUMBER.fullmatch(said)
    if number is not None:
        return _customers(connection, CUSTOMERS.c.number == int(number[1]))
    for question in (_by_id, _by_address, _by_username, _by_whole_name, _by_phone, _by_part_of_name):
        clause = question(said) if question is not _by_address else question(text.strip())
        found = [] if clause is None else _customers(connection, clause)
        if found:
            return found
    return []


def meant_exactly(connection: Connection, text: str) -> CustomerId | None:
    """Return the one customer whose number, id, ``channel:external-id``, ``@username`` or whole phone number a text is; None for others.

    No name, no beginning of an id and no end of a phone number counts: this is for lists, where nobody is asked back.
    """
    said = key(text)
    number = _NUMBER.fullmatch(said)
    if number is not None:
        clauses = [CUSTOMERS.c.number == int(number[1])]
    else:
        digits = sum(sign.isdecimal() for sign in said)
        clauses = [CUSTOMERS.c.customer == said]
        clauses += [c for c in (_by_address(text.strip()), _by_username(said)) if c is not None]
        if digits >= SHORTEST_PHONE and (by_phone := _by_phone(said)) is not None:
            clauses.append(by_phone)
    for clause in clauses:
        found = _customers(connection, clause)
        if found:
            return found[0].id if len(found) == 1 else None
    return None


_Question = Callable[[str], "ColumnElement[bool] | None"]


def _customers(connection: Connection, clause: ColumnElement[bool]) -> list[Customer]:
    return with_contacts(connection, answering(clause).limit(CANDIDATES))


def _whose_contact(clause: ColumnElement[bool]) -> ColumnElement[bool]:
    return CUSTOMERS.c.customer.in_(select(CONTACTS.c.customer).where(clause))


def _by_id(said: str) -> ColumnElement[bool] | None:
    if len(said) < SHORTEST_PREFIX or not _ID.fullmatch(said):
        return None
    return (CUSTOMERS.c.customer >= said) & (CUSTOMERS.c.customer < said + "g")  # ids are hexadecimal


def _by_address(said: str) -> ColumnElement[bool] | None:
    channel, colon, external_id = said.replace("：", ":").partition(":")
    if not (channel and colon and external_id):
        return None
    if channel.strip().lower() == PHONE:
        return _by_phone(external_id)
    return _whose_contact(
        (CONTACTS.c.channel == channel.strip().lower()) & (CONTACTS.c.external_id == external_id.strip())
    )


def _by_username(said: str) -> ColumnElement[bool] | None:
    name = said.removeprefix("@")
    return _whose_contact(CONTACTS.c.username_key == name) if said.startswith("@") and name else None


def _by_whole_name(said: str) -> ColumnElement[bool]:
    called = or_(CONTACTS.c.name_key == said, CONTACTS.c.own_name_key == said)
    return or_(CUSTOMERS.c.remark_key == said, _whose_contact(called))


def _by_phone(said: str) -> ColumnElement[bool] | None:
    theirs = with_phone(said)
    return None if theirs is None else _whose_contact(CONTACTS.c.contact.in_(theirs))


def _by_part_of_name(said: str) -> ColumnElement[bool]:
    called = or_(
        CONTACTS.c.name_key.contains(said, autoescape=True),
        CONTACTS.c.own_name_key.contains(said, autoescape=True),
    )
    return or_(CUSTOMERS.c.remark_key.contains(said, autoescape=True), _whose_contact(called))
