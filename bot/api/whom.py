"""CUSTOMER in an address: the id, ``#1042`` or ``1042``, ``channel:external-id``. Names are not taken: a program means one person."""

import re
from typing import Annotated

from fastapi import Path, Query
from sqlalchemy import Connection

from bot.api.auth import Caller
from bot.api.problems import Kind, Problem
from domain.identity import CustomerId
from projections.people.customers import Customer, customer
from projections.people.find import find

_NUMBER = re.compile(r"[#＃]?([0-9]{1,9})")
NAMED = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="id, `1042`, `#1042`, `channel:external-id`",
    ),
]

NAMED_IN_QUERY = Annotated[
    str | None,
    Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", description="only of this customer"),
]


def one(caller: Caller, named: str) -> Customer:
    """Return who is meant, as of now. Blocking. Raises Problem: nobody, or several; StoreUnavailable."""
    caller.house.catch_up()
    with caller.house.views.read() as connection:
        found = _found(connection, named)
    if len(found) > 1:
        numbers = ", ".join(f"#{other.number}" for other in found)
        raise Problem(Kind.CONFLICT, f"several customers are reached so: {numbers}; name one by number or id")
    if not found:
        raise Problem(Kind.NOT_FOUND, "no such customer: name the id, #number or channel:external-id")
    return found[0]


def _found(connection: Connection, named: str) -> list[Customer]:
    number = _NUMBER.fullmatch(named)
    if number is not None:
        return find(connection, f"#{number[1]}")
    channel, colon, external_id = (part.strip() for part in named.partition(":"))
    if not colon:
        by_id = customer(connection, CustomerId(named))
        return [] if by_id is None else [by_id]
    # find goes on to names where no address fits.
    return [
        known
        for known in find(connection, f"{channel}:{external_id}")
        if any((c.channel, c.external_id) == (channel.lower(), external_id) for c in known.contacts)
    ]
